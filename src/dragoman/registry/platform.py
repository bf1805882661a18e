"""Platform LLMs: the operator's own. Every organization sees them, and no API key changes them.

They are what one list says: applying it makes, changes and, where that is asked for, deletes
what differs. Applied again it changes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

import msgspec
from msgspec import Struct

from dragoman.authz.check import OPERATOR, operator, scope
from dragoman.authz.policy import Action
from dragoman.domain.audit import AuditEntry
from dragoman.domain.errors import CredentialUnusable, Invalid, Problem
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.llm import LLM, Provenance
from dragoman.domain.page import MAX_PAGE_SIZE, LLMQuery
from dragoman.domain.ports import Clock, EndpointPolicy, ReadWork, Store, WriteWork
from dragoman.protocols.placement import placement
from dragoman.registry.asked import KEPT, AskedCredential, Draft, Edit, Kept
from dragoman.registry.llms import changed_members
from dragoman.registry.platform_grants import follow, held_problems
from dragoman.registry.rules import draft_problems
from dragoman.registry.secrets import Secrets
from dragoman.registry.trail import entry
from dragoman.vault.digests import Digests
from dragoman.vault.envelope import Vault
from dragoman.vault.secret import Secret

FLAGS = ("is_default", "zero_data_retention")


class PlatformDraft(Struct, frozen=True, kw_only=True):
    """One platform LLM as it is to be. Its display name says which one it is."""

    position: int
    """Where it stands in the list, from 0."""
    draft: Draft
    """Names of headers are in lower case."""
    is_default: bool = False
    zero_data_retention: bool = False

    @property
    def name(self) -> str:
        """Its display name."""
        return self.draft.configuration.display_name


class Outcome(StrEnum):
    """What became of one platform LLM."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    PRUNED = "pruned"
    LEFT = "left"
    """It is not in the list, and stays."""


class Applied(Struct, frozen=True):
    """One platform LLM after the list was applied."""

    llm: LLM
    outcome: Outcome
    members: tuple[str, ...] = ()
    """What changed."""


class PlatformLLMs:
    """Applying the operator's list, for whoever has the installation itself."""

    def __init__(
        self,
        *,
        store: Store,
        vault: Vault,
        digests: Digests,
        clock: Clock,
        policy: EndpointPolicy,
        private: Iterable[str],
    ) -> None:
        """`private` are absolute paths of files and folders that no LLM is sent."""
        self._store = store
        self._secrets = Secrets(vault)
        self._digests = digests
        self._clock = clock
        self._policy = policy
        self._private = tuple(private)

    def problems(self, wanted: Iterable[PlatformDraft]) -> Iterator[Problem]:
        """Find everything that is wrong with a list; paths begin with `llms` and the position."""
        names: dict[str, int] = {}
        for each in wanted:
            found = tuple(draft_problems(each.draft, self._policy))
            for problem in found or held_problems(each.draft, self._private):
                yield problem._replace(path=("llms", each.position, *problem.path))
            first = names.setdefault(each.name, each.position)
            if first != each.position:
                path = ("llms", each.position, "display_name")
                yield Problem(path, f"is the name of llms[{first}] already", "duplicate")

    async def apply(
        self, wanted: Sequence[PlatformDraft], *, prune: bool = False, dry_run: bool = False
    ) -> list[Applied]:
        """Make the platform's LLMs what the list says: all of it, or on a failure nothing.

        With `prune` those that it does not name are deleted. With `dry_run` it is tried in full
        and leaves no trace. Raises Invalid with everything that is wrong; Unavailable.
        """
        found = tuple(self.problems(wanted))
        if found:
            raise Invalid(*found)
        async with self._store.writing(keep=not dry_run) as work:
            stored = await _stored(work)
            applied = [await self._one(work, stored.get(each.name), each) for each in wanted]
            done = {each.llm.id for each in applied}
            for llm in [llm for llm in await _all(work) if llm.id not in done]:
                if prune:
                    await work.llms.remove(llm)
                    await work.audit.record(self._entry("llm.delete", llm))
                applied.append(Applied(llm, Outcome.PRUNED if prune else Outcome.LEFT))
            await follow(
                work, self._clock, [it.llm for it in applied if it.outcome is not Outcome.PRUNED]
            )
        return applied

    async def _one(self, work: WriteWork, current: LLM | None, wanted: PlatformDraft) -> Applied:
        if current is None:
            return await self._added(work, wanted)
        proposed = _proposed(current, wanted)
        asked = self._credential(current, proposed, wanted.draft.credential)
        headers = dict(self._headers(current, proposed, wanted.draft.headers))
        members = (
            *changed_members(current.configuration, proposed.configuration),
            *(flag for flag in FLAGS if getattr(current, flag) != getattr(proposed, flag)),
            *self._changed_secrets(current, proposed, wanted.draft),
        )
        if not members:
            return Applied(current, Outcome.UNCHANGED)
        proposed = self._secrets.of_changed(
            current, proposed, Edit(credential=asked, headers=headers)
        )
        updated = msgspec.structs.replace(
            proposed,
            connection_key=self._digests.connection(proposed, _secret(wanted.draft)),
            revision=await work.audit.record(self._entry("llm.update", proposed, members)),
            updated_at_ms=self._clock.now_ms(),
            updated_by=OPERATOR,
        )
        await work.llms.replace(updated)
        return Applied(updated, Outcome.UPDATED, members)

    async def _added(self, work: WriteWork, wanted: PlatformDraft) -> Applied:
        llm = LLM(
            id=self._clock.new_id(),
            organization_id=PLATFORM_ORGANIZATION_ID,
            owner_id=OPERATOR,
            configuration=wanted.draft.configuration,
            is_default=wanted.is_default,
            zero_data_retention=wanted.zero_data_retention,
            created_at_ms=self._clock.now_ms(),
            created_by=OPERATOR,
        )
        llm = self._secrets.of_new(llm, wanted.draft)
        llm = msgspec.structs.replace(
            llm,
            connection_key=self._digests.connection(llm, _secret(wanted.draft)),
            revision=await work.audit.record(self._entry("llm.create", llm)),
        )
        await work.llms.add(llm)
        return Applied(llm, Outcome.CREATED)

    def _credential(
        self, current: LLM, proposed: LLM, wanted: AskedCredential | None
    ) -> AskedCredential | Kept | None:
        """Say what an update brings: where a secret goes elsewhere, it is sealed anew."""
        if wanted is None:
            return None
        place = wanted.placement or placement(proposed.configuration.protocol, wanted.held)
        if self._is_stored(current, proposed, wanted) and _goes_the_same_way(current, proposed):
            return KEPT
        return msgspec.structs.replace(wanted, placement=place)

    def _headers(
        self, current: LLM, proposed: LLM, wanted: Mapping[str, Secret]
    ) -> Iterator[tuple[str, Secret | None]]:
        stored = self._opened_headers(current)
        yield from ((header.name, None) for header in current.headers if header.name not in wanted)
        for name, value in wanted.items():
            if not (_is_same(stored.get(name), value) and _goes_the_same_way(current, proposed)):
                yield name, value

    def _changed_secrets(self, current: LLM, proposed: LLM, wanted: Draft) -> Iterator[str]:
        """Name what is secret and differs; being bound anew is no change of it."""
        if not self._is_stored(current, proposed, wanted.credential):
            yield "secret"
        stored = self._opened_headers(current)
        if {header.name for header in current.headers} != set(wanted.headers) or not all(
            _is_same(stored.get(name), value) for name, value in wanted.headers.items()
        ):
            yield "headers"

    def _is_stored(self, current: LLM, proposed: LLM, wanted: AskedCredential | None) -> bool:
        stored = current.credential
        if wanted is None or stored is None:
            return wanted is None and stored is None
        place = wanted.placement or placement(proposed.configuration.protocol, wanted.held)
        if stored.placement.effective != place.effective or stored.held != wanted.held:
            return False
        try:
            return wanted.held is not None or _is_same(self._secrets.opened(current), wanted.secret)
        except CredentialUnusable:
            return False

    def _opened_headers(self, llm: LLM) -> dict[str, Secret]:
        """Open what opens; the list replaces the others."""
        opened = {}
        for header in llm.headers:
            try:
                opened[header.name] = self._secrets.opened_header(llm, header)
            except CredentialUnusable:
                continue
        return opened

    def _entry(self, action: str, llm: LLM, members: tuple[str, ...] = ()) -> AuditEntry:
        return entry(self._clock, operator(), action, llm.id, members=members)


async def _stored(work: ReadWork | WriteWork) -> dict[str, LLM]:
    """Find the platform LLM of each name; the oldest where several have it."""
    return {llm.configuration.display_name: llm for llm in await _all(work)}


async def _all(work: ReadWork | WriteWork) -> list[LLM]:
    """List all platform LLMs, newest first."""
    found: list[LLM] = []
    query = LLMQuery(limit=MAX_PAGE_SIZE)
    while True:
        page = await work.llms.page(scope(operator(), Action.LIST), query)
        found += page.items
        if page.next is None:
            return found
        query = LLMQuery(limit=MAX_PAGE_SIZE, after=page.next)


def _proposed(current: LLM, wanted: PlatformDraft) -> LLM:
    """Say what an LLM is to be; what was found out about it stays, where the list is silent."""
    configuration = wanted.draft.configuration
    found_out = {
        capability: known
        for capability, known in current.configuration.capabilities.items()
        if known.provenance is not Provenance.DECLARED
    }
    return msgspec.structs.replace(
        current,
        configuration=msgspec.structs.replace(
            configuration, capabilities=found_out | configuration.capabilities
        ),
        is_default=wanted.is_default,
        zero_data_retention=wanted.zero_data_retention,
    )


def _goes_the_same_way(current: LLM, proposed: LLM) -> bool:
    """Tell whether secrets go where they went before."""
    old, new = current.configuration, proposed.configuration
    return old.origins == new.origins and old.protocol is new.protocol


def _is_same(stored: Secret | None, wanted: Secret | None) -> bool:
    return stored is not None and wanted is not None and stored.is_same_as(wanted)


def _secret(draft: Draft) -> Secret | None:
    return draft.credential.secret if draft.credential else None
