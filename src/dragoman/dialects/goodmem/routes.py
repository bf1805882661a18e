"""GoodMem's routes for LLMs."""

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Path, Request, Response, Security
from fastapi.security import APIKeyHeader

from dragoman.authz.check import require_credentials
from dragoman.authz.policy import Action, Reach
from dragoman.dialect.bodies import Bodies
from dragoman.dialect.control_plane import ControlPlane
from dragoman.dialect.description import describe
from dragoman.dialect.record import Dialect
from dragoman.dialect.route import CallingActor, needs, new_application
from dragoman.dialects.goodmem import mapping, queries, schema, shown, words
from dragoman.dialects.goodmem.errors import failures, render
from dragoman.dialects.goodmem.inferences import statuses
from dragoman.dialects.goodmem.listing import PAGE_SIZE, Listing
from dragoman.dialects.goodmem.ping import ONCE, STREAM, add_ping
from dragoman.dialects.goodmem.update import editing
from dragoman.dialects.goodmem.values import Identifier
from dragoman.domain.errors import Invalid, Problem
from dragoman.domain.ids import is_id
from dragoman.domain.llm import LLM
from dragoman.domain.page import Cursor, LLMQuery, Page
from dragoman.gateway.probe import Prober
from dragoman.registry.authentication import Authenticator
from dragoman.registry.llms import LLMs

LLMS = "/v1/llms"
PREFIX = "/goodmem"
API_KEY_HEADER = "x-api-key"

OLD_CLIENT = "OpenAPI-Generator/"
"""How goodmem-client names itself, before its version."""


def dialect(llms: LLMs, prober: Prober, authenticator: Authenticator, bodies: Bodies) -> Dialect:
    """Put the dialect together."""
    app = ControlPlane(
        application(llms, prober),
        authenticator=authenticator,
        render=render,
        bodies=bodies,
    )
    return Dialect(
        name="goodmem",
        paths=dict.fromkeys((LLMS, ONCE, STREAM), app),
        header=API_KEY_HEADER.encode(),
        prefix=PREFIX,
        app=app,
    )


def application(llms: LLMs, prober: Prober) -> FastAPI:
    """Make the routes; what they answer with is `shown`, what they do is `registry.llms`."""
    handlers = _Handlers(llms)
    app = new_application(
        title="Dragoman: GoodMem's API for LLMs",
        version="1",
        servers=[{"url": PREFIX}],
        dependencies=[Security(APIKeyHeader(name=API_KEY_HEADER, auto_error=False))],
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

    one = f"{LLMS}/{{id}}"
    route(
        "GET",
        LLMS,
        handlers.list,
        Action.LIST,
        operation_id="listLlms",
        response_model=shown.LlmList,
        openapi_extra={"parameters": queries.LIST_PARAMETERS},
        responses=failures(400, 401, 403),
    )
    route(
        "POST",
        LLMS,
        handlers.create,
        Action.CREATE,
        operation_id="createLlm",
        status_code=201,
        responses=failures(400, 401, 403, 409, 413, 415),
    )
    route(
        "GET",
        one,
        handlers.get,
        Action.READ,
        operation_id="getLlm",
        openapi_extra={"parameters": queries.GET_PARAMETERS},
        responses=failures(400, 401, 403, 404),
    )
    route(
        "PUT",
        one,
        handlers.update,
        Action.UPDATE,
        operation_id="updateLlm",
        responses=failures(400, 401, 403, 404, 409, 413, 415),
    )
    route(
        "DELETE",
        one,
        handlers.delete,
        Action.DELETE,
        operation_id="deleteLlm",
        status_code=204,
        responses=failures(400, 401, 403, 404),
    )
    add_ping(app, prober)
    describe(app)
    return app


def _llm_id(llm_id: Annotated[Identifier, Path(alias="id")]) -> str:
    """Read an id in any case. Raises Invalid for what cannot be one."""
    if not is_id(llm_id.lower()):
        raise Invalid(Problem(("id",), "must be a UUID", "invalid_id"))
    return llm_id.lower()


def _is_old_client(request: Request) -> bool:
    return request.headers.get("user-agent", "").startswith(OLD_CLIENT)


LlmId = Annotated[str, Depends(_llm_id)]
IsOldClient = Annotated[bool, Depends(_is_old_client)]


class _Handlers:
    """What each route does: read, do, write."""

    def __init__(self, llms: LLMs) -> None:
        self._llms = llms

    async def list(self, request: Request, actor: CallingActor, is_old: IsOldClient) -> Response:
        """List the LLMs that the caller can see, all at once, newest first."""
        asked = queries.filters(request.query_params.multi_items())
        owner_id = asked.owner_id
        if actor.reach(Action.LIST) is Reach.OWN and owner_id != actor.principal_id:
            owner_id = None  # who sees only their own may not even ask about others
        providers = asked.provider_type and mapping.providers_shown_as(
            asked.provider_type, for_old_client=is_old
        )

        async def page(after: Cursor | None) -> Page[LLM]:
            query = LLMQuery(
                after=after,
                limit=PAGE_SIZE,
                equal={} if owner_id is None else {"owner_id": owner_id},
                providers=providers or (),
                labels=asked.labels,
                counted=after is None,
            )
            return await self._llms.page(actor, query)

        def write(llm: LLM) -> bytes:
            found = mapping.written(llm, for_old_client=is_old)
            return found.model_dump_json(by_alias=True, exclude_unset=True).encode()

        return await Listing.begin(page, write)

    async def create(
        self, body: schema.LlmCreate, actor: CallingActor, is_old: IsOldClient
    ) -> shown.CreatedLlm:
        """Register an LLM. Its secret is sealed and never shown again."""
        with words.in_words_of(body):
            draft, inferences = mapping.draft(body)
            created = await self._llms.create(actor, draft)
        return shown.CreatedLlm(
            llm=mapping.written(created, for_old_client=is_old), statuses=statuses(inferences)
        )

    async def get(
        self, llm_id: LlmId, request: Request, actor: CallingActor, is_old: IsOldClient
    ) -> shown.Llm:
        """Read an LLM; its credentials only where they are asked for, and never a secret."""
        with_credentials = queries.includes_credentials(request.query_params.multi_items())
        llm = await self._llms.get(actor, llm_id)
        if with_credentials:
            require_credentials(actor, llm)
        return mapping.written(llm, for_old_client=is_old, with_credentials=with_credentials)

    async def update(
        self, llm_id: LlmId, body: schema.LlmUpdate, actor: CallingActor, is_old: IsOldClient
    ) -> shown.Llm:
        """Change the given members only; the provider cannot be changed."""
        with words.in_words_of(body):
            updated = await self._llms.update(actor, llm_id, editing(body, for_old_client=is_old))
        return mapping.written(updated, for_old_client=is_old)

    async def delete(self, llm_id: LlmId, actor: CallingActor) -> Response:
        """Remove an LLM and its secrets for good."""
        await self._llms.delete(actor, llm_id)
        return Response(status_code=204)
