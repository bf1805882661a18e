"""LLMs in memory."""

import msgspec

from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.labels import Operator, Requirement
from dragoman.domain.llm import LLM
from dragoman.domain.page import LLM_FILTERS, LLMQuery, Page
from dragoman.domain.principal import Scope
from tests.fakes.tables import Tables, made, newest_first, one_page, refuse, without_unread

SEPARATOR = "\x1f"


class FakeReadLLMs:
    """LLMs, to look at."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def get(self, scope: Scope, llm_id: str) -> LLM | None:
        found = [llm for llm in self._visible(scope) if llm.id == llm_id]
        return min(found, key=lambda llm: llm.is_platform, default=None)

    async def page(self, scope: Scope, query: LLMQuery) -> Page[LLM]:
        found = [
            llm
            for llm in self._visible(scope, include_platform=query.include_platform)
            if is_asked_for(llm, query)
        ]
        return one_page(found, query, made, offset=query.offset, counted=query.counted)

    async def named(self, scope: Scope, display_name: str, *, limit: int) -> list[LLM]:
        found = await self.all(scope, limit=len(self._tables.llms))
        return [llm for llm in found if llm.configuration.display_name == display_name][:limit]

    async def all(self, scope: Scope, *, limit: int) -> list[LLM]:
        found = newest_first(self._visible(scope), made)
        return [without_unread(llm) for llm in found[:limit]]

    def _visible(self, scope: Scope, *, include_platform: bool = True) -> list[LLM]:
        def is_visible(llm: LLM) -> bool:
            if include_platform and llm.organization_id == PLATFORM_ORGANIZATION_ID:
                return True
            is_theirs = scope.owner_id in {None, llm.owner_id}
            return is_theirs and llm.organization_id == scope.organization_id

        return [llm for llm in self._tables.llms.values() if is_visible(llm)]


class FakeWriteLLMs(FakeReadLLMs):
    """LLMs, to change."""

    async def add(self, llm: LLM) -> None:
        key = (llm.organization_id, llm.id)
        known = llm.organization_id in self._tables.organizations
        refuse(where=key in self._tables.llms, message="the LLM is there already")
        refuse(where=not known, message="the organization is not there")
        self._put(llm)

    async def replace(self, llm: LLM) -> None:
        if (llm.organization_id, llm.id) in self._tables.llms:
            self._put(llm)

    async def remove(self, llm: LLM) -> None:
        self._tables.llms.pop((llm.organization_id, llm.id), None)

    async def connected(self, organization_id: str, connection_key: bytes) -> list[LLM]:
        return [
            llm
            for llm in self._of(organization_id)
            if llm.connection_key is not None and llm.connection_key == connection_key
        ]

    async def bearers(self, organization_id: str, display_name: str) -> list[str]:
        return [
            llm.id
            for llm in self._of(organization_id)
            if llm.configuration.display_name == display_name
        ]

    async def borrowers(self, organization_id: str) -> list[LLM]:
        found = self._of(organization_id)
        return [
            msgspec.structs.replace(llm, headers=())
            for llm in found
            if llm.credential and llm.credential.held
        ]

    async def unfingerprinted(self, *, limit: int) -> list[LLM]:
        found = [llm for llm in self._tables.llms.values() if llm.connection_key is None]
        return found[:limit]

    def _of(self, organization_id: str) -> list[LLM]:
        return [llm for llm in self._tables.llms.values() if llm.organization_id == organization_id]

    def _put(self, llm: LLM) -> None:
        key = (llm.organization_id, llm.id)
        for other_key, other in self._tables.llms.items():
            if other_key != key:
                same_key = llm.exclusive_key is not None
                same_key &= other.exclusive_key == llm.exclusive_key
                same_name = llm.exclusive_name is not None
                same_name &= other.exclusive_name == llm.exclusive_name
                same_name &= other.organization_id == llm.organization_id
                refuse(where=same_key, message="the exclusive key is another LLM's")
                refuse(where=same_name, message="the exclusive name is another LLM's")
        self._tables.llms[key] = llm


def is_asked_for(llm: LLM, query: LLMQuery) -> bool:
    """Tell whether all conditions of a query hold."""
    for name in LLM_FILTERS:
        if name in query.equal:
            holder = llm if hasattr(llm, name) else llm.configuration
            if getattr(holder, name) != query.equal[name]:
                return False
    configuration = llm.configuration
    if query.providers and configuration.provider not in query.providers:
        return False
    texts = (configuration.display_name, configuration.description, configuration.model)
    text = SEPARATOR.join(each for each in texts if each).casefold()
    if query.search and query.search.casefold() not in text:
        return False
    return all(_is_met(requirement, configuration.labels) for requirement in query.labels)


def _is_met(requirement: Requirement, labels: dict[str, str]) -> bool:
    is_there = requirement.key in labels
    is_one = is_there and labels[requirement.key] in requirement.values
    return {
        Operator.IN: is_one,
        Operator.NOT_IN: not is_one,
        Operator.EXISTS: is_there,
        Operator.ABSENT: not is_there,
    }[requirement.operator]
