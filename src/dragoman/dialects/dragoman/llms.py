"""LLMs: list, create, read, change, delete."""

from typing import Annotated

from fastapi import Query, Response

from dragoman.dialect.route import CallingActor
from dragoman.dialects.dragoman import llm_schema as schema
from dragoman.dialects.dragoman import llm_shown, mapping
from dragoman.dialects.dragoman.conditions import Conditional, etag
from dragoman.dialects.dragoman.locations import location
from dragoman.dialects.dragoman.paging import Listing
from dragoman.dialects.dragoman.patch import editing
from dragoman.dialects.dragoman.services import Services
from dragoman.dialects.dragoman.values import NoParameters
from dragoman.domain.labels import parse_selector
from dragoman.domain.page import LLM_FILTERS, LLMQuery

Filters = Annotated[schema.LlmFilters, Query()]
Writing = Annotated[schema.WriteParameters, Query()]
Deleting = Annotated[schema.DeleteParameters, Query()]
Nothing = Annotated[NoParameters, Query()]


class LlmRoutes:
    """What each route does: read, do, write."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def page(self, actor: CallingActor, asked: Filters) -> llm_shown.LlmPage:
        """Page through the LLMs that the caller's organization can use, newest first."""
        listing = Listing(self._services.page_tokens, actor, "llms", asked)
        equal = {name: getattr(asked, name) for name in LLM_FILTERS}
        query = LLMQuery(
            after=listing.after,
            limit=asked.page_size,
            search=asked.search,
            equal={name: value for name, value in equal.items() if value is not None},
            labels=() if asked.labels is None else parse_selector(asked.labels),
            include_platform=asked.include_platform,
        )
        page = await self._services.llms.page(actor, query)
        return llm_shown.LlmPage(
            items=[mapping.shown(llm) for llm in page.items],
            next_page_token=listing.next_token(page),
        )

    async def create(
        self, actor: CallingActor, asked: Writing, body: schema.LlmCreate, response: Response
    ) -> llm_shown.Llm:
        """Register an LLM. What is secret about it is sealed and never shown again."""
        draft = mapping.draft(body, frozenset(asked.unique))
        with mapping.in_words_of(body):
            created = await self._services.llms.create(actor, draft, dry_run=asked.dry_run)
        if asked.dry_run:
            response.status_code = 200
        else:
            response.headers["Location"] = location("llms", created.id)
            response.headers["ETag"] = etag(created.revision)
        return mapping.shown(created)

    async def get(
        self,
        actor: CallingActor,
        llm_id: str,
        conditions: Conditional,
        response: Response,
        _: Nothing,
    ) -> llm_shown.Llm | Response:
        """Read an LLM."""
        llm = await self._services.llms.get(actor, llm_id)
        tag = {"ETag": etag(llm.revision)}
        if conditions.is_unchanged(llm.revision):
            return Response(status_code=304, headers=tag)
        response.headers.update(tag)
        return mapping.shown(llm)

    async def credential(
        self, actor: CallingActor, llm_id: str, _: Nothing
    ) -> llm_shown.CredentialNow:
        """Try whether the LLM's secret can be had, as a call would; it is no part of the LLM."""
        llm = await self._services.llms.get(actor, llm_id)
        return llm_shown.CredentialNow(state=await self._services.credential_states.of(actor, llm))

    async def change(
        self,
        *,
        actor: CallingActor,
        llm_id: str,
        conditions: Conditional,
        asked: Writing,
        body: schema.LlmPatch,
        response: Response,
    ) -> llm_shown.Llm:
        """Change what a merge patch names (RFC 7396). What reads the same is no change."""
        edit = editing(body, frozenset(asked.unique), conditions)
        with mapping.in_words_of(body):
            changed = await self._services.llms.update(actor, llm_id, edit, dry_run=asked.dry_run)
        if not asked.dry_run:
            response.headers["ETag"] = etag(changed.revision)
        return mapping.shown(changed)

    async def delete(
        self, actor: CallingActor, llm_id: str, conditions: Conditional, asked: Deleting
    ) -> Response:
        """Remove an LLM for good, its secrets included."""
        await self._services.llms.delete(
            actor, llm_id, if_revision=conditions.allow_write, dry_run=asked.dry_run
        )
        return Response(status_code=204)
