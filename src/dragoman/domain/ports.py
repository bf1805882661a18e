"""What the use cases need of the outside, as interfaces; `app` joins each to its adapter."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from msgspec import Struct

from dragoman.domain.audit import AuditEntry
from dragoman.domain.change import Change
from dragoman.domain.deployment import Deployment
from dragoman.domain.grant import Grant
from dragoman.domain.header_block import HeaderBlock
from dragoman.domain.llm import LLM
from dragoman.domain.page import AuditQuery, LLMQuery, Page, PageQuery
from dragoman.domain.principal import ApiKey, Organization, Principal, Scope
from dragoman.domain.url import Origin
from dragoman.domain.usage import Usage

Headers = list[tuple[bytes, bytes]]
"""Header lines in order; names in lower case."""


class Clock(Protocol):
    """The one place that time and fresh identifiers come from."""

    def now_ms(self) -> int:
        """Tell the time [ms since 1970]."""
        ...

    def now_ns(self) -> int:
        """Tell the time [ns since 1970]."""
        ...

    def new_id(self) -> str:
        """Make a UUIDv7 of now."""
        ...


# --- Storage ---------------------------------------------------------------------------------


class ReadLLMs(Protocol):
    """LLMs, as far as a scope reaches; platform LLMs are in every scope."""

    async def get(self, scope: Scope, llm_id: str) -> LLM | None: ...
    async def page(self, scope: Scope, query: LLMQuery) -> Page[LLM]: ...

    async def named(self, scope: Scope, display_name: str, *, limit: int) -> list[LLM]:
        """Find by name. Without description, tags, metadata and secrets, as in `all`."""
        ...

    async def all(self, scope: Scope, *, limit: int) -> list[LLM]: ...


class WriteLLMs(ReadLLMs, Protocol):
    """LLMs that can be changed."""

    async def add(self, llm: LLM) -> None: ...
    async def replace(self, llm: LLM) -> None: ...
    async def remove(self, llm: LLM) -> None: ...

    async def connected(self, organization_id: str, connection_key: bytes) -> list[LLM]:
        """Find the LLMs of one organization that have this connection key."""
        ...

    async def bearers(self, organization_id: str, display_name: str) -> list[str]:
        """Find the ids of one organization's LLMs that have this name."""
        ...

    async def borrowers(self, organization_id: str) -> list[LLM]:
        """Find the LLMs of one organization whose secret the operator holds.

        Without extra headers: nobody calls what is found here.
        """
        ...

    async def unfingerprinted(self, *, limit: int) -> list[LLM]:
        """Find LLMs, of whatever organization, that have no connection key yet."""
        ...


class ReadPrincipals(Protocol):
    """Organizations, principals and API keys."""

    async def by_digest(self, digest: bytes) -> tuple[ApiKey, Principal] | None: ...
    async def organization_named(self, name: str) -> Organization | None: ...
    async def organization(self, organization_id: str) -> Organization | None: ...
    async def organizations(self, query: PageQuery) -> Page[Organization]: ...
    async def principal(self, organization_id: str, principal_id: str) -> Principal | None: ...
    async def principals(self, organization_id: str, query: PageQuery) -> Page[Principal]: ...
    async def key(self, organization_id: str, key_id: str) -> tuple[ApiKey, Principal] | None: ...
    async def keys(
        self, organization_id: str, query: PageQuery
    ) -> Page[tuple[ApiKey, Principal]]: ...
    async def keys_named(self, organization_id: str, name: str) -> list[ApiKey]: ...


class WritePrincipals(ReadPrincipals, Protocol):
    """Organizations, principals and API keys that can be changed."""

    async def add_organization(self, organization: Organization) -> None: ...
    async def replace_organization(self, organization: Organization) -> None: ...
    async def add_principal(self, principal: Principal) -> None: ...
    async def replace_principal(self, principal: Principal) -> None: ...

    async def remove_principal(self, principal: Principal) -> None:
        """Forget one and its keys."""
        ...

    async def owns_llms(self, principal: Principal) -> bool: ...
    async def add_key(self, key: ApiKey) -> None: ...
    async def revoke_key(self, key: ApiKey, revoked_at_ms: int) -> None: ...


class ReadDeployment(Protocol):
    """This installation."""

    async def get(self) -> Deployment | None: ...
    async def kek_ids(self) -> frozenset[str]: ...


class WriteDeployment(ReadDeployment, Protocol):
    """This installation, to make."""

    async def add(self, deployment: Deployment) -> None: ...
    async def replace(self, deployment: Deployment) -> None: ...


class ReadAudit(Protocol):
    """The audit trail of one organization, newest first."""

    async def page(self, organization_id: str, query: AuditQuery) -> Page[AuditEntry]: ...


class WriteAudit(ReadAudit, Protocol):
    """The audit trail, which only grows. It is also what the change feed is read from."""

    async def record(self, entry: AuditEntry) -> int:
        """Add an entry for one change, and give the number that the registry gives it."""
        ...


class ReadGrants(Protocol):
    """What of the operator's secrets organizations may use; oldest first."""

    async def of(self, organization_id: str) -> list[Grant]: ...
    async def all(self) -> list[Grant]: ...


class WriteGrants(ReadGrants, Protocol):
    """Grants that can be given and taken."""

    async def add(self, grant: Grant) -> None: ...
    async def remove(self, grant: Grant) -> None: ...


class ReadWork(Protocol):
    """One consistent view of the registry; it cannot write."""

    @property
    def llms(self) -> ReadLLMs: ...
    @property
    def principals(self) -> ReadPrincipals: ...
    @property
    def deployment(self) -> ReadDeployment: ...
    @property
    def audit(self) -> ReadAudit: ...
    @property
    def grants(self) -> ReadGrants: ...


class WriteWork(Protocol):
    """One transaction: kept when its block ends well, undone when an exception leaves it."""

    @property
    def llms(self) -> WriteLLMs: ...
    @property
    def principals(self) -> WritePrincipals: ...
    @property
    def deployment(self) -> WriteDeployment: ...
    @property
    def audit(self) -> WriteAudit: ...
    @property
    def grants(self) -> WriteGrants: ...


class Store(Protocol):
    """Where the registry lives. There is one writer at a time, whichever engine is behind it.

    Any block raises `Unavailable` when the database is locked, full or gone.
    """

    def reading(self) -> AbstractAsyncContextManager[ReadWork]: ...

    def writing(self, *, keep: bool = True) -> AbstractAsyncContextManager[WriteWork]:
        """Begin a change; without `keep` it is tried in full, and then undone."""
        ...


# --- The way out -----------------------------------------------------------------------------


class EndpointPolicy(Protocol):
    """Which addresses this installation may call."""

    def url_refusal(self, url: str, *, carries_credential: bool) -> str | None:
        """Say why a valid URL may not be saved, or None; looks at its text only, no DNS."""
        ...


class Deadlines(Struct, frozen=True, gc=False):
    """How long each phase of one upstream call may take [s]."""

    connect_s: float
    """DNS, the operator's proxy, TCP and TLS, and the wait for a free connection."""
    first_byte_s: float
    """From the request's last byte to the first byte of the answer; while a large request is sent,
    also from one slice to the next, so that an upstream that stops reading is not waited for."""
    idle_s: float
    """Between two pieces of the answer."""
    total_s: float


class UpstreamRequest(Struct, frozen=True, gc=False):
    """One HTTP request to an upstream, complete but for Host and Content-Length."""

    origin: Origin
    target: bytes
    """Path and query, as on the request line."""
    headers: Sequence[HeaderBlock]
    body: bytes
    deadlines: Deadlines
    method: bytes = b"POST"
    carries_credential: bool = False
    """Whether a header holds a secret: then plain http needs an address that is allowed."""


class UpstreamAnswer(Protocol):
    """An answer that has begun."""

    status: int
    headers: Headers

    async def read(self) -> bytes:
        """Give the next piece of the body as it came, or b"" after the last one.

        Raises `UpstreamBroken` if the body is cut short, `UpstreamTimeout` at a deadline.
        """
        ...


class UpstreamExchange(UpstreamAnswer, Protocol):
    """The answer to a request. Leaving its block closes what is not finished."""

    def whole(self) -> bytes | None:
        """Give the body if all of it is there and none of it has been read; else read it."""
        ...


class Upstream(Protocol):
    """The one way out to the servers of LLMs."""

    def exchange(self, request: UpstreamRequest) -> AbstractAsyncContextManager[UpstreamExchange]:
        """Send a request; the block begins when the answer's head is there.

        Raises `EgressRefused`, `ProxyFailed`, `UpstreamUnreachable`, `UpstreamTimeout`,
        `UpstreamBroken`, and `Unavailable` when every connection to that origin is in use.
        """
        ...


class UsageLog(Protocol):
    """Where it is written down what each call was and took."""

    def note(self, usage: Usage) -> None:
        """Take note of a call that has ended; comes once for each, and must not raise."""
        ...


# --- Changes ---------------------------------------------------------------------------------


class Memory(Protocol):
    """What a process remembers of the registry so that it need not ask again."""

    def changed(self, changes: Sequence[Change]) -> None:
        """Forget what these changes may have made untrue."""
        ...

    def forget(self) -> None:
        """Forget everything: it is not known what happened."""
        ...


class ChangeFeed(Protocol):
    """How a process hears of changes that others made."""

    @property
    def silent_s(self) -> float | None:
        """How long changes have not been heard [s], or None while they are."""
        ...

    async def follow(self, memory: Memory) -> None:
        """Tell the memory of each committed change within 250 ms, until cancelled.

        It begins by having everything forgotten, and so it does wherever changes may have been
        missed.
        """
        ...
