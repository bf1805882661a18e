"""Anam's five routes."""

from typing import Annotated, Any

from fastapi import FastAPI, Query, Response
from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from dragoman.authz.policy import Action
from dragoman.dialect.bodies import Bodies
from dragoman.dialect.control_plane import ControlPlane
from dragoman.dialect.record import Dialect
from dragoman.dialect.route import CallingActor, needs, new_application
from dragoman.dialects.anam import mapping, schema
from dragoman.dialects.anam.errors import render
from dragoman.domain.page import LLMQuery
from dragoman.registry.authentication import Authenticator
from dragoman.registry.llms import LLMs

LLMS = "/v1/llms"

MAX_PAGE = 10_000_000
MAX_SEARCH_LENGTH = 255

INVALID = {400: {"model": schema.ValidationError | schema.Error}}
REFUSED = {status: {"model": schema.Error} for status in (401, 403)}
NOT_FOUND = {404: {"model": schema.Error}}
BODY_REFUSED = {status: {"model": schema.Error} for status in (413, 415)}
FAILED = {status: {"model": schema.Error} for status in (500, 503)}


def dialect(llms: LLMs, authenticator: Authenticator, bodies: Bodies) -> Dialect:
    """Put the dialect together."""
    app = ControlPlane(application(llms), authenticator=authenticator, render=render, bodies=bodies)
    return Dialect(name="anam", paths={LLMS: app}, prefix="/anam", app=app)


def application(llms: LLMs) -> FastAPI:
    """Make the routes; what they answer with is `schema`, what they do is `registry.llms`."""
    handlers = _Handlers(llms)
    app = new_application(
        title="Dragoman: Anam's API for LLMs",
        version="1",
    )

    def route(method: str, path: str, endpoint: Any, action: Action, **options: Any) -> None:
        app.add_api_route(
            path,
            endpoint,
            methods=[method],
            dependencies=[needs(action)],
            response_model_exclude_unset=True,
            **options,
        )

    one, refused = f"{LLMS}/{{llm_id}}", REFUSED | FAILED
    written = INVALID | BODY_REFUSED | refused
    route("GET", LLMS, handlers.list, Action.LIST, responses=INVALID | refused)
    route("POST", LLMS, handlers.create, Action.CREATE, status_code=201, responses=written)
    route("GET", one, handlers.get, Action.READ, responses=refused | NOT_FOUND)
    route("PUT", one, handlers.update, Action.UPDATE, responses=written | NOT_FOUND)
    route(
        "DELETE",
        one,
        handlers.delete,
        Action.DELETE,
        status_code=204,
        responses=refused | NOT_FOUND,
    )
    return app


def _plain_number(text: object) -> object:
    """Refuse what Python takes for a number and HTTP does not, such as 1_0."""
    if isinstance(text, str) and not text.removeprefix("-").isdecimal():
        raise PydanticCustomError("int_parsing", "Input should be a valid integer")
    return text


def _searchable(text: str) -> str:
    if "\0" in text or "\x1f" in text:
        raise PydanticCustomError("value_error", "must not contain the characters NUL or US")
    return text


PlainNumber = BeforeValidator(_plain_number)
Page = Annotated[int, Query(ge=1, le=MAX_PAGE), PlainNumber]
PerPage = Annotated[int, Query(ge=1, le=100, alias="perPage"), PlainNumber]
Search = Annotated[str | None, Query(max_length=MAX_SEARCH_LENGTH), AfterValidator(_searchable)]
IncludeDefaults = Annotated[bool, Query(alias="includeDefaults")]


class _Handlers:
    """What each route does: read, do, write."""

    def __init__(self, llms: LLMs) -> None:
        self._llms = llms

    async def list(
        self,
        actor: CallingActor,
        page: Page = 1,
        per_page: PerPage = 10,
        search: Search = None,
        include_defaults: IncludeDefaults = True,
    ) -> schema.LlmPage:
        """Page through the LLMs that the caller's organization can use."""
        query = LLMQuery(
            search=search,
            include_platform=include_defaults,
            offset=(page - 1) * per_page,
            limit=per_page,
            counted=True,
        )
        return mapping.shown_page(await self._llms.page(actor, query), page, per_page)

    async def create(self, body: schema.LlmCreate, actor: CallingActor) -> schema.Llm:
        """Register an LLM. Its secret is sealed and never shown again."""
        with mapping.in_words_of(body):
            created = await self._llms.create(actor, mapping.draft(body))
        return mapping.shown(created)

    async def get(self, llm_id: str, actor: CallingActor) -> schema.Llm:
        """Read an LLM."""
        return mapping.shown(await self._llms.get(actor, llm_id))

    async def update(self, llm_id: str, body: schema.LlmUpdate, actor: CallingActor) -> schema.Llm:
        """Change the given members only; the platform's defaults are refused with 403."""
        with mapping.in_words_of(body):
            updated = await self._llms.update(actor, llm_id, mapping.edit(body))
        return mapping.shown(updated)

    async def delete(self, llm_id: str, actor: CallingActor) -> Response:
        """Remove an LLM for good."""
        await self._llms.delete(actor, llm_id)
        return Response(status_code=204)
