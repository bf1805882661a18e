"""An installation within one process: the parts that `app` joins, without a server."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Self

from dragoman.authz.check import Actor, actor
from dragoman.domain.deployment import Deployment
from dragoman.domain.ids import uuid7
from dragoman.domain.llm import LLM, Configuration, ProtocolName
from dragoman.domain.principal import Organization, Role
from dragoman.domain.url import Endpoint
from dragoman.registry.authentication import Authenticator
from dragoman.registry.keys import Keys, NewKey
from dragoman.registry.llms import LLMs
from dragoman.storage import schema
from dragoman.storage.sqlite import SqliteDatabase
from dragoman.storage.unit_of_work import SqlStore
from dragoman.upstream.egress import EgressPolicy, parse_networks
from dragoman.vault.envelope import Vault, binding
from dragoman.vault.keys import Keyring

NOON_MS = 1_790_000_000_000
ORGANIZATION = "acme"
DEPLOYMENT_ID = "01a00000-0000-7000-8000-00000000dead"
REQUEST = "req_test"


class SetClock:
    """A clock that stands still until it is moved, and counts its identifiers."""

    def __init__(self) -> None:
        self.time_ms = NOON_MS
        self._made = 0

    def now_ms(self) -> int:
        return self.time_ms

    def new_id(self) -> str:
        self._made += 1
        return uuid7(self.time_ms, self._made.to_bytes(10, "big"))


class Installation:
    """A database in a folder of its own, and the use cases on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = SetClock()
        self.database = SqliteDatabase(path)
        self.store = SqlStore(self.database)
        self.vault = Vault(Keyring.generate(), DEPLOYMENT_ID)
        self.keys = Keys(store=self.store, clock=self.clock)
        self.authenticator = Authenticator(store=self.store, clock=self.clock)
        self.llms = self.llms_where_allowed("127.0.0.0/8")

    @classmethod
    async def make(cls, folder: Path) -> Self:
        """Make a new one, with one organization."""
        path = folder / "dragoman.db"
        schema.prepare(path)
        made = cls(path)
        clock = made.clock
        async with made.store.writing() as work:
            await work.deployment.add(Deployment(DEPLOYMENT_ID, clock.now_ms()))
            await work.principals.add_organization(
                Organization(clock.new_id(), ORGANIZATION, clock.now_ms())
            )
        return made

    def llms_where_allowed(self, networks: str) -> LLMs:
        """Give the use cases of an installation whose operator opened these networks."""
        policy = EgressPolicy(parse_networks(networks))
        return LLMs(store=self.store, vault=self.vault, clock=self.clock, policy=policy)

    async def acting(self, role: Role = Role.ADMIN) -> Actor:
        """Make somebody new of this role."""
        new: NewKey = await self.keys.create(ORGANIZATION, role, f"some {role}")
        return actor(new.key, new.principal)

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run SQL on a connection of its own, which sees only what is committed."""
        with closing(sqlite3.connect(self.path)) as database, database:
            return database.execute(sql, parameters).fetchall()

    def count(self, table: str) -> int:
        """Count what is committed."""
        return int(self.rows(f"SELECT COUNT(*) FROM {table}")[0][0])  # noqa: S608  # a constant

    def break_audit(self) -> None:
        """Let no audit row be written any more."""
        self.rows(
            "CREATE TRIGGER broken BEFORE INSERT ON audit "
            "BEGIN SELECT RAISE(ABORT, 'the audit is broken'); END"
        )

    def opened(self, llm: LLM) -> str:
        """Open an LLM's stored secret, as the gateway would."""
        stored = llm.credential
        assert stored is not None
        bound = binding(llm, stored.placement, stored.generation)
        return self.vault.open(stored.sealed, bound).reveal()


def a_configuration(*urls: str, **members: Any) -> Configuration:
    """Write a configuration, of one URL unless others are given."""
    endpoints = tuple(Endpoint.parse(url) for url in urls or ("https://one.example/v1",))
    required = {"display_name": "my-llm", "protocol": ProtocolName.OPENAI, "model": "tiny"}
    return Configuration(**{**required, "endpoints": endpoints, **members})
