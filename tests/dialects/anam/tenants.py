"""Organizations and platform LLMs, written into the data directory of a running server."""

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

import httpx2

from dragoman.app.clock import SystemClock
from dragoman.authz.check import operator
from dragoman.domain.ids import PLATFORM_ORGANIZATION_ID
from dragoman.domain.llm import LLM, Configuration, ProtocolName
from dragoman.domain.principal import Organization, Role
from dragoman.domain.url import Endpoint
from dragoman.registry.keys import KeyDraft, NewKey, add_key
from dragoman.storage.sqlite import SqliteDatabase
from dragoman.storage.unit_of_work import SqlStore
from tests.running import RunningDragoman, registration

T = TypeVar("T")

LLMS = "/anam/v1/llms"
OPENAI_URL = "https://api.openai.com/v1/chat/completions"
SOME_ID = "01999999-0000-7000-8000-000000000000"
"""The id of nothing."""

clock = SystemClock()


def an_llm(**members: Any) -> dict[str, Any]:
    """Write the body that registers an LLM at OpenAI, but for the given members."""
    return registration(OPENAI_URL) | members


class AuditRow(NamedTuple):
    """What the audit trail says about one change."""

    action: str
    target_id: str
    members: tuple[str, ...]
    actor_id: str
    key_id: str
    request_id: str


class Tenant:
    """A fresh organization with an API key for each role."""

    def __init__(self, dragoman: RunningDragoman) -> None:
        self.dragoman = dragoman
        self.name = clock.new_id()
        self.organization_id = clock.new_id()
        self.keys = with_store(dragoman, self._create)
        self._open = contextlib.ExitStack()

    def another_key(self, role: str, *permissions: str) -> NewKey:
        """Make one more key, of a principal of its own; it may do this, or all of its role."""

        async def create(store: SqlStore) -> NewKey:
            async with store.writing() as work:
                draft = KeyDraft(
                    name=f"another {role}", role=Role(role), permissions=permissions or None
                )
                return await add_key(work, clock, operator(), self.organization_id, draft)

        return with_store(self.dragoman, create)

    def client(self, role: str = "admin") -> httpx2.Client:
        """Give an HTTP client that carries the key of a role; closed with the tenant."""
        return self.client_of(self.keys[role])

    def client_of(self, key: NewKey, beside: NewKey | None = None) -> httpx2.Client:
        """Give an HTTP client that carries this key as Bearer, and perhaps one as `x-api-key`."""
        # http only; making a TLS context would cost 20 ms
        client = self._open.enter_context(self.dragoman.client(key.text, verify=False))
        if beside is not None:
            client.headers["x-api-key"] = beside.text
        return client

    def grant(self, secret: str, *origins: str) -> str:
        """Let the organization use a secret of the operator's; gives the grant's id."""
        words = [word for origin in origins for word in ("--origin", origin)]
        words = ["add", secret, "--org", self.organization_id, "--plain", *words]
        given = self.dragoman.cli("grant", *words)
        assert given.returncode == 0, given.stderr
        return given.stdout.strip()

    def audit(self) -> list[AuditRow]:
        """Read what was recorded about this organization's LLMs, oldest first."""
        rows = query(
            self.dragoman,
            "SELECT action, target_id, members, actor_id, key_id, request_id FROM audit "
            "WHERE organization_id = ? AND action LIKE 'llm.%' ORDER BY rowid",
            self.organization_id,
        )
        return [
            AuditRow(action, target, tuple(json.loads(members)), *rest)
            for action, target, members, *rest in rows
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    async def _create(self, store: SqlStore) -> dict[str, NewKey]:
        organization = Organization(self.organization_id, self.name, clock.now_ms())
        async with store.writing() as work:
            await work.principals.add_organization(organization)
            return {
                role.value: await add_key(
                    work, clock, operator(), organization.id, KeyDraft(name=role.value, role=role)
                )
                for role in Role
            }


def with_store(dragoman: RunningDragoman, use: Callable[[SqlStore], Awaitable[T]]) -> T:
    """Do something with the registry behind the server's back, as another process would."""

    async def run() -> T:
        database = SqliteDatabase(database_path(dragoman))
        try:
            return await use(SqlStore(database))
        finally:
            await database.close()

    return asyncio.run(run())


def database_path(dragoman: RunningDragoman) -> Path:
    return dragoman.data_dir / "dragoman.db"


def query(dragoman: RunningDragoman, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Run SQL on the data directory, outside of every use case."""
    with contextlib.closing(sqlite3.connect(database_path(dragoman))) as database, database:
        return database.execute(sql, parameters).fetchall()


def platform_llm(display_name: str) -> LLM:
    """Write an LLM of the operator's."""
    return LLM(
        id=clock.new_id(),
        organization_id=PLATFORM_ORGANIZATION_ID,
        owner_id=clock.new_id(),
        configuration=Configuration(
            display_name=display_name,
            protocol=ProtocolName.OPENAI,
            endpoints=(Endpoint.parse(OPENAI_URL),),
            model="gpt-4o",
        ),
        is_default=True,
        created_at_ms=1_776_679_200_007,
        created_by=clock.new_id(),
    )
