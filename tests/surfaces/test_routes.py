"""Who may do what: every route of every registry dialect, called with the key of each role."""

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from dragoman.app.surfaces import applications
from dragoman.authz.policy import Action, Administration
from dragoman.dialect.bodies import Bodies
from dragoman.dialect.control_plane import ControlPlane
from dragoman.dialect.route import ANYONE, Need, needs, new_application
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


NOBODY: Any = None


@pytest.mark.parametrize("need", [Action.READ, Administration.ORGANIZATION, ANYONE])
def test_a_route_that_declares_its_permission_lets_the_application_start(need: Need) -> None:
    app = new_application()
    app.add_api_route("/declared", lambda: None, dependencies=[needs(need)])
    ControlPlane(app, authenticator=NOBODY, render=render, bodies=Bodies(1))


def test_a_route_that_declares_no_permission_keeps_the_application_from_starting() -> None:
    app = new_application()
    with pytest.raises(RuntimeError, match="/undeclared declares no permission"):
        app.add_api_route("/undeclared", lambda: None)


@pytest.mark.parametrize("add", [FastAPI.add_api_route, FastAPI.add_route])
def test_so_does_a_route_that_would_not_judge_who_calls(add: Any) -> None:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    add(app, "/undeclared", lambda: None)
    with pytest.raises(RuntimeError, match=r"/undeclared.* declare no permission"):
        ControlPlane(app, authenticator=NOBODY, render=render, bodies=Bodies(1))
