"""Grants: the operator says which of their secrets an organization may use, and where.

Only whoever has the data directory gives and takes them; no API key does. What the platform's own
LLMs may use follows from the operator's list of them (`registry/platform.py`).
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from dragoman.domain.errors import Invalid, NotFound, Problem
from dragoman.domain.grant import Grant, is_granted
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID, is_id
from dragoman.domain.llm import LLM
from dragoman.domain.ports import Clock, ReadWork, Store, WriteWork
from dragoman.domain.principal import Organization
from dragoman.registry.grant_changes import GrantOutcome, Terms, give, settle, take, terms_of
from dragoman.registry.grant_rules import normalized, origins_problems, secret_problem

NO_ORGANIZATION = "is not the name or id of an organization; 'dragoman org list' shows them"
PLATFORMS = "is the platform, whose LLMs may use what their file names (dragoman platform --help)"


class GrantDraft(Struct, frozen=True, kw_only=True):
    """One grant as it is asked for."""

    position: int = 0
    """Where it stands in the list, from 0."""
    organization: str
    """Its name or id."""
    secret: str
    origins: tuple[str, ...] = ()
    """As they were written; with Google's credentials none means all of Google's."""


class Granted(Struct, frozen=True):
    """One grant, whose it is, and what became of it."""

    grant: Grant
    organization: str
    """The organization's name."""
    outcome: GrantOutcome = GrantOutcome.UNCHANGED


class Changed(Struct, frozen=True):
    """What a change of grants came to."""

    grants: tuple[Granted, ...]
    cut_off: tuple[LLM, ...]
    """LLMs that could use their secret before, and cannot any more; without extra headers."""


class Grants:
    """Giving, taking and listing grants, for whoever has the installation itself."""

    def __init__(self, *, store: Store, clock: Clock, private: Iterable[str]) -> None:
        """`private` are absolute paths of files and folders that are never granted."""
        self._store = store
        self._clock = clock
        self._private = tuple(private)

    async def all(self) -> list[Granted]:
        """List all grants, those of the platform too; oldest first."""
        async with self._store.reading() as work:
            return [await _named(work, grant) for grant in await work.grants.all()]

    async def give(self, asked: GrantDraft) -> Granted:
        """Give one; where there is the same already, that is it. Raises Invalid, Unavailable."""
        async with self._store.writing() as work:
            wanted, problems = await self._read(work, (asked,))
            if problems:
                raise Invalid(*(problem._replace(path=problem.path[2:]) for problem in problems))
            there = [each for each in await work.grants.all() if terms_of(each) == wanted[0]]
            if there:
                return await _named(work, there[0])
            grant = await give(work, self._clock, wanted[0])
            return await _named(work, grant, GrantOutcome.GIVEN)

    async def take(self, grant_id: str) -> Changed:
        """Take one. Raises NotFound; Invalid for one of the platform's; Unavailable."""
        async with self._store.writing() as work:
            before = await work.grants.all()
            grant = next((each for each in before if each.id == grant_id), None)
            if grant is None:
                raise NotFound("There is no grant with this id; see 'dragoman grant list'.")
            if grant.organization_id == PLATFORM_ORGANIZATION_ID:
                raise Invalid(Problem(("organization",), PLATFORMS, "platform"))
            await take(work, self._clock, grant)
            taken = await _named(work, grant, GrantOutcome.TAKEN)
            return Changed((taken,), await _cut_off(work, before))

    async def apply(self, asked: Sequence[GrantDraft], *, dry_run: bool = False) -> Changed:
        """Make the grants of all tenants what a list says: all of it, or on a failure nothing.

        What it does not have is taken. With `dry_run` it is tried in full and leaves no trace.
        Raises Invalid with everything that is wrong; Unavailable.
        """
        async with self._store.writing(keep=not dry_run) as work:
            wanted, problems = await self._read(work, asked)
            if problems:
                raise Invalid(*problems)
            before = await work.grants.all()
            tenants = [each for each in before if each.organization_id != PLATFORM_ORGANIZATION_ID]
            changes = await settle(work, self._clock, tenants, wanted)
            granted = [await _named(work, grant, outcome) for grant, outcome in changes]
            return Changed(tuple(granted), await _cut_off(work, before))

    async def problems(self, asked: Iterable[GrantDraft]) -> list[Problem]:
        """Find everything that is wrong with a list; paths begin `grants` and the position."""
        async with self._store.reading() as work:
            return (await self._read(work, asked))[1]

    async def _read(
        self, work: ReadWork | WriteWork, asked: Iterable[GrantDraft]
    ) -> tuple[list[Terms], list[Problem]]:
        """Read what is asked for: what can be meant, and what is wrong with the rest."""
        wanted: list[Terms] = []
        problems: list[Problem] = []
        first: dict[tuple[str, str], int] = {}
        for draft in asked:
            organization = await _organization(work, draft.organization)
            wrong = list(self._problems(draft, organization))
            if organization is not None and not wrong:
                origins = normalized(draft.secret, draft.origins)
                wanted.append(Terms(organization.id, draft.secret, origins))
                at = first.setdefault((organization.id, draft.secret), draft.position)
                if at != draft.position:
                    message = f"is granted in grants[{at}] already; write all origins there"
                    wrong.append(Problem(("secret",), message, "duplicate"))
            problems += [
                problem._replace(path=("grants", draft.position, *problem.path))
                for problem in wrong
            ]
        return wanted, problems

    def _problems(self, draft: GrantDraft, organization: Organization | None) -> Iterator[Problem]:
        if organization is None:
            yield Problem(("organization",), NO_ORGANIZATION, "not_found")
        elif organization.id == PLATFORM_ORGANIZATION_ID:
            yield Problem(("organization",), PLATFORMS, "platform")
        reason = secret_problem(draft.secret, self._private)
        if reason is not None:
            yield Problem(("secret",), reason, "invalid_secret_name")
        yield from origins_problems(draft.secret, draft.origins)


async def _organization(work: ReadWork | WriteWork, named: str) -> Organization | None:
    """Find an organization by its id, or else by its name."""
    found = await work.principals.organization(named) if is_id(named) else None
    return found or await work.principals.organization_named(named)


async def _named(
    work: ReadWork | WriteWork, grant: Grant, outcome: GrantOutcome = GrantOutcome.UNCHANGED
) -> Granted:
    organization = await work.principals.organization(grant.organization_id)
    return Granted(grant, organization.name if organization else grant.organization_id, outcome)


async def _cut_off(work: WriteWork, before: Sequence[Grant]) -> tuple[LLM, ...]:
    """Find the LLMs that may not use any more what they could use under these grants."""
    found: list[LLM] = []
    for of in sorted({grant.organization_id for grant in before}):
        old = [grant for grant in before if grant.organization_id == of]
        new = await work.grants.of(of)
        if old != new:
            borrowers = await work.llms.borrowers(of)
            found += [llm for llm in borrowers if _may_use(llm, old) and not _may_use(llm, new)]
    return tuple(found)


def _may_use(llm: LLM, grants: Iterable[Grant]) -> bool:
    held = llm.credential.held if llm.credential else None
    return held is None or is_granted(grants, held, llm.configuration.origins)
