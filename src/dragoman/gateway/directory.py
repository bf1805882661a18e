"""From the name in a request to an LLM that can be called."""

from collections import Counter
from collections.abc import Sequence

from dragoman.authz.check import Actor, scope
from dragoman.authz.policy import Action
from dragoman.domain.cache import Cache
from dragoman.domain.change import Change, Noun
from dragoman.domain.errors import CredentialUnusable, NotCallable, NotFound
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID, is_id
from dragoman.domain.llm import LLM, MAX_NAME_LENGTH, ProtocolName
from dragoman.domain.ports import Clock, ReadLLMs, Store
from dragoman.domain.principal import Scope
from dragoman.gateway.credentials import hidden, secret_lines
from dragoman.gateway.target import ReadyEndpoint, Target
from dragoman.gateway.trace import NOWHERE, TraceHosts
from dragoman.protocols.registry import TRANSLATED, is_spoken
from dragoman.vault.envelope import Vault, binding, header_binding
from dragoman.vault.held import HeldSecrets
from dragoman.vault.secret import Secret

CACHED_TARGETS = 10_000
CACHED_NAMES = 50_000
UNKNOWN_NAMES_MS = 5_000
"""How long a name that nothing has is remembered as such [ms]."""
LISTED_LLMS = 1000
LISTED_NAMESAKES = 20


class Directory:
    """Finds what a caller names; remembers it until something changes."""

    def __init__(
        self,
        *,
        store: Store,
        vault: Vault,
        held: HeldSecrets,
        clock: Clock,
        trace_hosts: TraceHosts = NOWHERE,
    ) -> None:
        """`trace_hosts` are those that may be told which trace a call belongs to.

        `held` are the secrets that the operator holds.
        """
        self._store = store
        self._vault = vault
        self._held = held
        self._clock = clock
        self._trace_hosts = trace_hosts
        self._ids: Cache[tuple[str, str | None, str], tuple[str, str]] = Cache(CACHED_NAMES)
        self._targets: Cache[tuple[str, str], Target] = Cache(CACHED_TARGETS)
        self._unknown: Cache[tuple[str, str | None, str], int] = Cache(CACHED_NAMES)

    def forget(self) -> None:
        """Forget everything."""
        self._ids.clear()
        self._targets.clear()
        self._unknown.clear()

    def changed(self, changes: Sequence[Change]) -> None:
        """Forget what these changes may have made untrue; the platform's are seen by all."""
        for change in changes:
            if change.noun is Noun.GRANT:
                self._targets.clear()
            elif change.noun is Noun.LLM:
                of = change.organization_id
                seen_by = None if of == PLATFORM_ORGANIZATION_ID else of
                self._targets.clear(f"{of}/{change.target_id}")
                self._ids.clear(seen_by)
                self._unknown.clear(seen_by)

    async def find(self, who: Actor, name: str) -> Target:
        """Give the LLM of this id or display name.

        An id stands before a name, an organization's own LLM before the platform's. Raises
        Forbidden; NotFound; NotCallable where several LLMs have the name, or the one cannot be
        called; CredentialUnusable.
        """
        reach = scope(who, Action.USE)
        if len(name) > MAX_NAME_LENGTH:
            raise _unknown()  # no LLM has such a name, and what is remembered stays small
        target = self._kept(reach, name)
        if target is None:
            return await self._look_up(reach, name)
        if self._is_good(target):
            return target
        return await self._remembered(target.llm, self._targets.epoch)

    def known(self, reach: Scope, name: str) -> Target | None:
        """Give what `find` gives, if that needs no waiting."""
        target = self._kept(reach, name)
        return target if target is not None and self._is_good(target) else None

    def _kept(self, reach: Scope, name: str) -> Target | None:
        key = self._ids.get((reach.organization_id, reach.owner_id, name))
        return self._targets.get(key) if key else None

    def _is_good(self, target: Target) -> bool:
        return target.good_until_ms is None or self._clock.now_ms() < target.good_until_ms

    async def callable_by_id(self, who: Actor, action: Action, llm_id: str) -> LLM:
        """Give the LLM of this id for something else than a call, as it is stored now.

        Raises Forbidden; NotFound; NotCallable.
        """
        reach = scope(who, action)
        async with self._store.reading() as work:
            llm = await work.llms.get(reach, llm_id)
        if llm is None:
            raise NotFound("There is no LLM with this id.")
        problem = _problem(llm)
        if problem is not None:
            raise problem
        return llm

    async def callable_names(self, who: Actor) -> list[tuple[str, LLM]]:
        """List the LLMs that may be called, each with a name that resolves to just this one."""
        async with self._store.reading() as work:
            llms = await work.llms.all(scope(who, Action.USE), limit=LISTED_LLMS)
        names = _Names(llms)
        return [(names.of(llm), llm) for llm in llms if _problem(llm) is None]

    async def _look_up(self, reach: Scope, name: str) -> Target:
        asked = (reach.organization_id, reach.owner_id, name)
        now_ms = self._clock.now_ms()
        if self._unknown.get(asked, 0) > now_ms:
            raise _unknown()
        epochs = self._ids.epoch, self._targets.epoch, self._unknown.epoch
        async with self._store.reading() as work:
            llm = await _found(work.llms, reach, name)
        if llm is None:
            until_ms = now_ms + UNKNOWN_NAMES_MS
            self._unknown.put(asked, until_ms, epochs[2], reach.organization_id)
            raise _unknown()
        problem = _problem(llm)
        if problem is not None:
            raise problem
        target = await self._remembered(llm, epochs[1])
        self._ids.put(asked, (llm.organization_id, llm.id), epochs[0], reach.organization_id)
        return target

    async def _remembered(self, llm: LLM, epoch: int) -> Target:
        """Make an LLM ready, and remember it so; the row is as it was at `epoch`."""
        target = await self.ready(llm)
        of = f"{llm.organization_id}/{llm.id}"
        self._targets.put((llm.organization_id, llm.id), target, epoch, of)
        return target

    async def ready(self, llm: LLM) -> Target:
        """Make an LLM ready to be called. Raises CredentialUnusable, Unavailable."""
        secret, good_until_ms = await self._secret(llm)
        headers = tuple(
            (
                header.name.lower(),
                self._vault.open(
                    header.sealed, header_binding(llm, header.name, header.generation)
                ),
            )
            for header in llm.headers
        )
        return Target(
            llm=llm,
            endpoints=tuple(
                ReadyEndpoint.made(endpoint, number, self._trace_hosts)
                for number, endpoint in enumerate(llm.configuration.endpoints, 1)
            ),
            secret_lines=secret_lines(llm, secret, headers),
            secret=secret,
            headers=headers,
            hidden=hidden(secret, headers),
            translated_into=TRANSLATED.get(llm.configuration.protocol),
            good_until_ms=good_until_ms,
        )

    async def _secret(self, llm: LLM) -> tuple[Secret | None, int | None]:
        """Open an LLM's credential, or have it lent; with the time until which it is good."""
        stored = llm.credential
        if stored is None:
            return None, None
        if stored.sealed is not None:
            bound = binding(llm, stored.placement, stored.generation)
            return self._vault.open(stored.sealed, bound), None
        if stored.held is None:
            raise CredentialUnusable("The LLM's credential is incomplete. Register it again.")
        origins = llm.configuration.origins
        lent = await self._held.lend(llm.organization_id, stored.held, origins)
        return lent.secret, lent.good_until_ms


async def _found(llms: ReadLLMs, reach: Scope, name: str) -> LLM | None:
    """Find the one LLM of an id or name. Raises NotCallable where several have the name."""
    llm = await llms.get(reach, name) if is_id(name) else None
    if llm is not None:
        return llm
    named = await llms.named(reach, name, limit=LISTED_NAMESAKES)
    tier = [llm for llm in named if not llm.is_platform] or named
    if len(tier) > 1:
        ids = ", ".join(llm.id for llm in tier)
        raise NotCallable(
            f"Several LLMs have this name; call one by its id: {ids}.", code="ambiguous_model"
        )
    return await llms.get(reach, tier[0].id) if tier else None


def _unknown() -> NotFound:
    return NotFound(
        "No LLM that this API key may call has this id or name; GET /v1/models lists them.",
        code="model_not_found",
    )


def _problem(llm: LLM) -> NotCallable | None:
    """Say why an LLM cannot be called by chat completions, or None if it can."""
    if not llm.configuration.enabled:
        return NotCallable("This LLM is disabled.", code="llm_disabled")
    protocol = llm.configuration.protocol
    if protocol is ProtocolName.NONE:
        return NotCallable(
            "This LLM is registered with the format 'none': there is no server to call.",
            code="protocol_not_supported",
        )
    if not is_spoken(protocol):
        return NotCallable(
            f"This LLM speaks '{protocol}', which this version of Dragoman cannot call yet.",
            code="protocol_not_supported",
        )
    return None


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
