"""What a fake store holds, and the pages that it answers with."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec
from msgspec import Struct

from dragoman.domain.audit import AuditEntry
from dragoman.domain.change import Change
from dragoman.domain.deployment import Deployment
from dragoman.domain.grant import Grant
from dragoman.domain.llm import LLM
from dragoman.domain.page import Cursor, Page, PageQuery
from dragoman.domain.principal import ApiKey, Organization, Principal

T = TypeVar("T")


class Refused(Exception):
    """What a database's constraints would not take."""


class Tables(Struct):
    """Everything there is, by its id. What is in here is never changed, only replaced."""

    deployment: Deployment | None = None
    revision: int = 0
    organizations: dict[str, Organization] = {}
    principals: dict[str, Principal] = {}
    keys: dict[str, ApiKey] = {}
    llms: dict[tuple[str, str], LLM] = {}
    grants: dict[str, Grant] = {}
    audit: list[AuditEntry] = []
    changes: list[Change] = []
    """What the transaction that works on these has recorded."""

    def copied(self) -> "Tables":
        """Give tables of the same things, for one transaction to work on."""
        return Tables(
            deployment=self.deployment,
            revision=self.revision,
            organizations=dict(self.organizations),
            principals=dict(self.principals),
            keys=dict(self.keys),
            llms=dict(self.llms),
            grants=dict(self.grants),
            audit=list(self.audit),
        )


def refuse(*, where: bool, message: str) -> None:
    """Refuse what a constraint would."""
    if where:
        raise Refused(message)


def newest_first(things: Iterable[T], at: Callable[[T], Cursor]) -> list[T]:
    """Sort as every list is sorted."""
    return sorted(things, key=at, reverse=True)


def one_page(
    found: Iterable[T],
    query: PageQuery,
    at: Callable[[T], Cursor],
    *,
    offset: int = 0,
    counted: bool = False,
) -> Page[T]:
    """Cut one page out of all that was found."""
    everything = newest_first(found, at)
    rest = [each for each in everything if query.after is None or at(each) < query.after][offset:]
    items = tuple(rest[: query.limit])
    return Page(
        items,
        len(everything) if counted else None,
        at(items[-1]) if len(rest) > query.limit else None,
    )


def made(thing: Organization | Principal | ApiKey | LLM) -> Cursor:
    """Say where something stands in a list of its kind."""
    return Cursor(thing.created_at_ms, thing.id)


def without_unread(llm: LLM) -> LLM:
    """Leave out what calls do not need, as a store does where it reads many."""
    configuration = msgspec.structs.replace(
        llm.configuration, description=None, tags=(), metadata={}
    )
    return msgspec.structs.replace(llm, configuration=configuration, credential=None, headers=())
