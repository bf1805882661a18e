"""Who may do what: every route of every registry dialect, called with the key of each role."""

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from dragoman.app.surfaces import applications
from dragoman.authz.policy import Action, Administration
from dragoman.dialect.control_plane import ANYONE, ControlPlane, Need, needs
from dragoman.dialects.anam.errors import render
from dragoman.registry.keys import NewKey
from tests.running import RunningDragoman

MATRIX = Path(__file__).parents[1] / "matrices" / "routes.txt"
ROLES = ("admin", "editor", "viewer", "caller", "operator")
SOME_ID = "01999999-0000-7000-8000-000000000000"


def test_every_route_lets_in_whom_the_matrix_says(
    dragoman: RunningDragoman, keys: dict[str, NewKey]
) -> None:
    """A difference is a change of policy: look at it, then write it into the file."""
    rows = [f"{'':7}{'':42}{''.join(f'{role:10}' for role in ROLES)}".rstrip()]
    with dragoman.client() as client:
        for prefix, app in applications().items():
            for route in (each for each in app.routes if isinstance(each, APIRoute)):
                for method in sorted(route.methods or ()):
                    path = prefix + route.path
                    row = f"{method:7}{path:42}"
                    for role in ROLES:
                        headers = {"authorization": f"Bearer {keys[role].text}"}
                        url = re.sub(r"\{\w+\}", SOME_ID, path)
                        answer = client.request(method, url, headers=headers)
                        assert answer.status_code not in {401, 500}, answer.text
                        row += f"{'-' if answer.status_code == 403 else 'yes':10}"
                    rows.append(row.rstrip())
    assert "\n".join(rows) + "\n" == MATRIX.read_text()


@pytest.mark.parametrize("need", [Action.READ, Administration.ORGANIZATION, ANYONE])
def test_a_route_that_declares_its_permission_lets_the_application_start(need: Need) -> None:
    app = _with_a_route(needs(need))
    ControlPlane(app, authenticator=None, render=render, max_body_bytes=1)  # type: ignore[arg-type]


def test_a_route_that_declares_no_permission_keeps_the_application_from_starting() -> None:
    app = _with_a_route()
    with pytest.raises(RuntimeError, match="/undeclared declares no permission"):
        ControlPlane(app, authenticator=None, render=render, max_body_bytes=1)  # type: ignore[arg-type]


def _with_a_route(*dependencies: object) -> FastAPI:
    app = FastAPI()
    app.add_api_route("/undeclared", lambda: None, dependencies=list(dependencies))  # type: ignore[arg-type]
    return app
