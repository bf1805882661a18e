"""Giving and taking grants within a transaction, each with its entry in the audit trail."""

from collections.abc import Collection
from enum import StrEnum

from msgspec import Struct

from dragoman.authz.check import operator
from dragoman.domain.grant import Grant
from dragoman.domain.ports import Clock, WriteWork
from dragoman.registry.trail import entry


class Terms(Struct, frozen=True):
    """What a grant says. No two grants say the same."""

    organization_id: str
    secret: str
    origins: tuple[str, ...]
    """As they are compared: written in full, sorted, each once."""


class GrantOutcome(StrEnum):
    """What became of one grant."""

    GIVEN = "given"
    UNCHANGED = "unchanged"
    TAKEN = "taken"


def terms_of(grant: Grant) -> Terms:
    """Give what a grant says."""
    return Terms(grant.organization_id, grant.secret, grant.origins)


async def give(work: WriteWork, clock: Clock, terms: Terms) -> Grant:
    """Give a grant that is not there yet."""
    grant = Grant(
        clock.new_id(), terms.organization_id, terms.secret, terms.origins, clock.now_ms()
    )
    await work.grants.add(grant)
    await _record(work, clock, "grant.create", grant)
    return grant


async def take(work: WriteWork, clock: Clock, grant: Grant) -> None:
    """Take a grant that is there."""
    await work.grants.remove(grant)
    await _record(work, clock, "grant.delete", grant)


async def settle(
    work: WriteWork, clock: Clock, stored: Collection[Grant], wanted: Collection[Terms]
) -> list[tuple[Grant, GrantOutcome]]:
    """Make stored grants what is wanted; gives what became of each: first the wanted ones."""
    there = {terms_of(grant): grant for grant in stored}
    changes = [
        (there[terms], GrantOutcome.UNCHANGED)
        if terms in there
        else (await give(work, clock, terms), GrantOutcome.GIVEN)
        for terms in wanted
    ]
    for terms, grant in there.items():
        if terms not in wanted:
            await take(work, clock, grant)
            changes.append((grant, GrantOutcome.TAKEN))
    return changes


async def _record(work: WriteWork, clock: Clock, action: str, grant: Grant) -> None:
    of = grant.organization_id
    await work.audit.record(entry(clock, operator(), action, grant.id, organization_id=of))
