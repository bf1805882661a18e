"""From the name in a request to an LLM that can be called."""

from collections import Counter

from msgspec import Struct

from dragoman.authz.check import Actor, scope
from dragoman.authz.policy import Action
from dragoman.domain.cache import Cache
from dragoman.domain.errors import NotCallable, NotFound
from dragoman.domain.llm import LLM, ProtocolName
from dragoman.domain.ports import ReadLLMs, Store
from dragoman.domain.principal import Scope
from dragoman.domain.url import Endpoint, Origin, parse_origin, request_target
from dragoman.protocols import openai_chat
from dragoman.vault.envelope import Vault, binding
from dragoman.vault.secret import Secret

CACHED_TARGETS = 10_000
LISTED_LLMS = 1000
LISTED_NAMESAKES = 20


class Target(Struct, frozen=True):
    """An LLM that may be called, ready to be called: its credential is open."""

    llm: LLM
    endpoint: Endpoint
    origin: Origin
    request_target: bytes
    credential_header: bytes
    """Which header line carries the credential, in lower case; empty where there is none."""
    secret: Secret | None


class Directory:
    """Finds what a caller names; remembers it until something changes."""

    def __init__(self, *, store: Store, vault: Vault, region: str | None) -> None:
        self._store = store
        self._vault = vault
        self._region = region
        self._targets: Cache[tuple[str, str | None, str], Target] = Cache(CACHED_TARGETS)
        self.forget = self._targets.clear

    async def find(self, who: Actor, name: str) -> Target:
        """Give the LLM of this id or display name.

        An id stands before a name, an organization's own LLM before the platform's. Raises
        Forbidden; NotFound; NotCallable where several LLMs have the name, or the one cannot be
        called; CredentialUnusable.
        """
        reach = scope(who, Action.USE)
        key = (reach.organization_id, reach.owner_id, name)
        target = self._targets.get(key)
        if target is None:
            epoch = self._targets.epoch
            target = await self._look_up(reach, name)
            self._targets.put(key, target, epoch)
        return target

    async def callable_names(self, who: Actor) -> list[tuple[str, LLM]]:
        """List the LLMs that may be called, each with a name that resolves to just this one."""
        async with self._store.reading() as work:
            llms = await work.llms.all(scope(who, Action.USE), limit=LISTED_LLMS)
        names = _Names(llms)
        return [(names.of(llm), llm) for llm in llms if _problem(llm) is None]

    async def _look_up(self, reach: Scope, name: str) -> Target:
        async with self._store.reading() as work:
            llm = await work.llms.get(reach, name) or await _named(work.llms, reach, name)
        problem = _problem(llm)
        if problem is not None:
            raise problem
        return self._target(llm)

    def _target(self, llm: LLM) -> Target:
        endpoint = _endpoint(llm, self._region)
        return Target(
            llm=llm,
            endpoint=endpoint,
            origin=parse_origin(endpoint.url),
            request_target=request_target(endpoint.url).encode(),
            credential_header=_header_name(llm),
            secret=self._opened(llm),
        )

    def _opened(self, llm: LLM) -> Secret | None:
        stored = llm.credential
        if stored is None:
            return None
        return self._vault.open(stored.sealed, binding(llm, stored.placement, stored.generation))


def _header_name(llm: LLM) -> bytes:
    return llm.credential.placement.header.lower().encode() if llm.credential else b""


async def _named(llms: ReadLLMs, reach: Scope, name: str) -> LLM:
    named = await llms.named(reach, name, limit=LISTED_NAMESAKES)
    tier = [llm for llm in named if not llm.is_platform] or named
    if not tier:
        raise NotFound(
            "No LLM that this API key may call has this id or name; GET /v1/models lists them.",
            code="model_not_found",
        )
    if len(tier) > 1:
        ids = ", ".join(llm.id for llm in tier)
        raise NotCallable(
            f"Several LLMs have this name; call one by its id: {ids}.", code="ambiguous_model"
        )
    return tier[0]


def _problem(llm: LLM) -> NotCallable | None:
    """Say why an LLM cannot be called by chat completions, or None if it can."""
    if not llm.enabled:
        return NotCallable("This LLM is disabled.", code="llm_disabled")
    protocol = llm.configuration.protocol
    if protocol is ProtocolName.NONE:
        return NotCallable(
            "This LLM is registered with the format 'none': there is no server to call.",
            code="protocol_not_supported",
        )
    if protocol not in openai_chat.SPOKEN_BY:
        return NotCallable(
            f"This LLM speaks '{protocol}', which this version of Dragoman cannot call yet.",
            code="protocol_not_supported",
        )
    return None


def _endpoint(llm: LLM, region: str | None) -> Endpoint:
    """Choose the first endpoint of this region, else the first."""
    endpoints = llm.configuration.endpoints
    near = [endpoint for endpoint in endpoints if region and endpoint.region == region]
    return (near or endpoints)[0]


class _Names:
    """Which names resolve to just one LLM, among all that a caller may use."""

    def __init__(self, llms: list[LLM]) -> None:
        self._ids = {llm.id for llm in llms}
        self._owned = Counter(_name(llm) for llm in llms if not llm.is_platform)
        self._platform = Counter(_name(llm) for llm in llms if llm.is_platform)

    def of(self, llm: LLM) -> str:
        """Give the display name where `find` would take it for this LLM, else the id."""
        name = _name(llm)
        is_shadowed = name in self._ids or (llm.is_platform and name in self._owned)
        tier = self._platform if llm.is_platform else self._owned
        return llm.id if is_shadowed or tier[name] > 1 else name


def _name(llm: LLM) -> str:
    return llm.configuration.display_name
