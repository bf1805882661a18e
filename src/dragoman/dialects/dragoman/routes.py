"""The dialect put together: every route, and what its caller must be allowed to do."""

from typing import Any

from fastapi import Depends, FastAPI, Security
from fastapi.security import HTTPBearer

from dragoman.authz.policy import Action, Administration
from dragoman.dialect.bodies import Bodies
from dragoman.dialect.control_plane import ControlPlane
from dragoman.dialect.description import describe
from dragoman.dialect.record import Dialect
from dragoman.dialect.route import ANYONE, Need, needs, new_application
from dragoman.dialects.dragoman import description
from dragoman.dialects.dragoman.audit import AuditRoutes
from dragoman.dialects.dragoman.errors import render
from dragoman.dialects.dragoman.keys import KeyRoutes
from dragoman.dialects.dragoman.llms import LlmRoutes
from dragoman.dialects.dragoman.locations import PREFIX
from dragoman.dialects.dragoman.me import MeRoutes
from dragoman.dialects.dragoman.organizations import OrganizationRoutes
from dragoman.dialects.dragoman.parameters import each_once
from dragoman.dialects.dragoman.principals import PrincipalRoutes
from dragoman.dialects.dragoman.services import Services
from dragoman.registry.authentication import Authenticator

ORGANIZATION, PLATFORM = Administration.ORGANIZATION, Administration.PLATFORM


def dialect(services: Services, authenticator: Authenticator, bodies: Bodies) -> Dialect:
    """Put the dialect together."""
    app = ControlPlane(
        application(services),
        authenticator=authenticator,
        render=render,
        bodies=bodies,
    )
    return Dialect(name="dragoman", paths={}, prefix=PREFIX, app=app)


def application(services: Services) -> FastAPI:
    """Make the routes; what they answer with is the schema, what they do is in `registry`."""
    app = new_application(
        title="Dragoman",
        version="1",
        description=description.ABOUT,
        servers=[{"url": PREFIX}],
        dependencies=[Security(HTTPBearer(auto_error=False, description="An API key."))],
    )
    for method, path, endpoint, need in _table(services):
        app.add_api_route(
            f"/v1/{path}",
            endpoint,
            methods=[method],
            dependencies=[needs(need), Depends(each_once)],
            **description.of(method, path),
        )
    describe(app, description.complete)
    return app


def _table(services: Services) -> list[tuple[str, str, Any, Need]]:
    llms, keys = LlmRoutes(services), KeyRoutes(services)
    organizations, principals = OrganizationRoutes(services), PrincipalRoutes(services)
    return [
        ("GET", "llms", llms.page, Action.LIST),
        ("POST", "llms", llms.create, Action.CREATE),
        ("GET", "llms/{llm_id}", llms.get, Action.READ),
        ("PATCH", "llms/{llm_id}", llms.change, Action.UPDATE),
        ("DELETE", "llms/{llm_id}", llms.delete, Action.DELETE),
        ("GET", "llms/{llm_id}/credential", llms.credential, Action.READ),
        ("GET", "organizations", organizations.page, ORGANIZATION),
        ("POST", "organizations", organizations.create, PLATFORM),
        ("GET", "organizations/{organization_id}", organizations.get, ORGANIZATION),
        ("PATCH", "organizations/{organization_id}", organizations.change, PLATFORM),
        ("GET", "principals", principals.page, ORGANIZATION),
        ("POST", "principals", principals.create, ORGANIZATION),
        ("GET", "principals/{principal_id}", principals.get, ORGANIZATION),
        ("PATCH", "principals/{principal_id}", principals.change, ORGANIZATION),
        ("DELETE", "principals/{principal_id}", principals.delete, ORGANIZATION),
        ("GET", "keys", keys.page, ORGANIZATION),
        ("POST", "keys", keys.create, ORGANIZATION),
        ("GET", "keys/{key_id}", keys.get, ORGANIZATION),
        ("DELETE", "keys/{key_id}", keys.revoke, ORGANIZATION),
        ("GET", "audit", AuditRoutes(services).page, ORGANIZATION),
        ("GET", "me", MeRoutes(services).get, ANYONE),
    ]
