"""A route of a registry dialect: whether its caller may is judged first, then its body is read."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI, Request, Response, params
from fastapi.routing import APIRoute

from dragoman.authz.check import Actor, Verified, permit, scope
from dragoman.authz.policy import Action, Administration


class Anyone(Enum):
    """Whoever has a key that verifies."""

    ANYONE = auto()


ANYONE: Final = Anyone.ANYONE

Need = Action | Administration | Anyone
"""What a route's caller must be allowed to do."""


@dataclass(frozen=True)
class _Declared(params.Depends):
    """A need where the framework has a place for something; `Route` takes it out again."""

    need: Need = field(kw_only=True)


def needs(need: Need) -> Any:
    """Declare what a route's caller must be allowed to do; belongs in its `dependencies`."""
    return _Declared(need=need)


class Route(APIRoute):
    """Answers who may not before it reads what they sent, and reads that only once."""

    def __init__(
        self, path: str, endpoint: Any, *, dependencies: Sequence[params.Depends], **options: Any
    ) -> None:
        needed = [each.need for each in dependencies if isinstance(each, _Declared)]
        if len(needed) != 1:
            raise RuntimeError(f"the route {path} declares no permission")
        self.need = needed[0]
        others = [each for each in dependencies if not isinstance(each, _Declared)]
        super().__init__(path, endpoint, dependencies=others, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Give what answers a request: the framework's hook."""
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            _judge(request.state.actor, self.need)
            if body := await request.body():
                headers = request.scope["headers"]
                members = await request.state.bodies.members(request.method, headers, body)
                request = _ReadRequest(request, members)
            return await answer(request)

        return handle


class _ReadRequest(Request):
    """A request whose body need not be parsed again."""

    def __init__(self, request: Request, members: dict[str, Any]) -> None:
        super().__init__(request.scope, request.receive)
        self._members = members

    async def json(self) -> Any:
        """Give what is in the body."""
        return self._members


def _judge(actor: Actor, need: Need) -> None:
    """Check what a route declared. Raises Forbidden."""
    match need:
        case Action():
            scope(actor, need)
        case Administration():
            permit(actor, need)
        case Anyone():
            pass


def new_application(**options: Any) -> FastAPI:
    """Make an application for routes that declare what they need, and for nothing else."""
    app = FastAPI(
        docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, **options
    )
    app.router.route_class = Route
    return app


def calling_actor(request: Request) -> Actor:
    """Give whose request this is."""
    actor: Actor = request.state.actor
    return actor


CallingActor = Annotated[Actor, Depends(calling_actor)]


def _again(request: Request) -> Verified:
    again: Verified = request.state.again
    return again


VerifiedAgain = Annotated[Verified, Depends(_again)]
"""For what goes on for a while: who is calling, as far as their credentials still verify."""
