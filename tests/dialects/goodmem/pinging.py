"""A server with GoodMem's ping, and the LLM that is pinged."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx2

from dragoman.authz.check import actor
from dragoman.dialect.bodies import Bodies
from dragoman.dialect.control_plane import ControlPlane
from dragoman.dialect.record import Rendered
from dragoman.dialect.route import new_application
from dragoman.dialect.status import headers_of, status_of
from dragoman.dialects.goodmem.ping import ONCE, STREAM, add_ping
from dragoman.domain.errors import DragomanError
from dragoman.domain.ports import Upstream
from dragoman.domain.principal import Role
from dragoman.upstream.egress import EgressPolicy
from tests.gateway.probing import (
    CHAT,
    COMPLETION,
    a_pool,
    a_prober,
    an_llm,
)
from tests.registry.installation import Installation
from tests.scripted_upstream import (
    ScriptedUpstream,
    Step,
    forever,
    read_request,
    send,
    serving,
)
from tests.server.test_applications import serving as serving_application
from tests.upstream.calling import answer

GOOD = forever(read_request(), send(answer(COMPLETION)))
SOME_ID = "01a00000-0000-7000-8000-000000000bad"


def render(error: DragomanError) -> Rendered:
    body = {"error": error.message, "code": error.code}
    return Rendered(status_of(error), body, headers_of(error))


class Service(NamedTuple):
    """A server with both routes, an LLM to probe, and what that LLM's server saw."""

    http: httpx2.AsyncClient
    installation: Installation
    llm_id: str
    upstream: ScriptedUpstream

    async def once(self, **members: Any) -> httpx2.Response:
        return await self.http.post(ONCE, json={"targetId": self.llm_id, **members})

    async def events(self, **members: Any) -> list[dict[str, Any]]:
        """Ping, and give each event's one member with its name; fails for more than one."""
        body = {"targetId": self.llm_id, "intervalMs": 100, **members}
        said = await self.http.post(STREAM, json=body)
        assert said.status_code == 200, said.text
        assert said.headers["content-type"] == "application/x-ndjson"
        lines = [json.loads(line) for line in said.text.splitlines()]
        assert [len(line) for line in lines] == [1] * len(lines)
        return lines

    async def of_role(self, role: Role) -> dict[str, str]:
        return {"x-api-key": (await self.installation.new_key(role, f"of {role}")).text}


@asynccontextmanager
async def service(
    tmp_path: Path,
    *script: Step,
    policy: EgressPolicy | None = None,
    through: Upstream | None = None,
    **members: Any,
) -> AsyncIterator[Service]:
    """Serve both routes, probing through a pool or `through` something else."""
    installation = await Installation.make(tmp_path)
    options = {} if policy is None else {"policy": policy}
    async with serving(*script) as upstream, a_pool(**options) as pool:
        app = new_application()
        add_ping(app, a_prober(installation, through or pool))
        plane = ControlPlane(
            app,
            authenticator=installation.authenticator,
            render=render,
            bodies=Bodies(1024 * 1024),
        )
        key = await installation.new_key()
        who = actor(key.key, key.principal)
        llm = await an_llm(installation, who, upstream.url + CHAT, **members)
        headers = {"x-api-key": key.text}
        async with (
            serving_application(plane) as (_, url),
            httpx2.AsyncClient(base_url=url, headers=headers, timeout=20) as http,
        ):
            yield Service(http, installation, llm.id, upstream)
    await installation.database.close()
