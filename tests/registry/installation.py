"""An installation within one process: the parts that `app` joins, without a server."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Self

from dragoman.authz.check import Actor, actor, operator
from dragoman.domain.credential import Held, SecretReference
from dragoman.domain.deployment import Deployment
from dragoman.domain.grant import Grant
from dragoman.domain.ids import uuid7
from dragoman.domain.llm import LLM, Configuration, ProtocolName
from dragoman.domain.principal import Organization, Role
from dragoman.domain.url import Endpoint
from dragoman.registry.asked import KEPT, AskedCredential, Change, Draft, Edit
from dragoman.registry.authentication import Authenticator
from dragoman.registry.grants import GrantDraft, Grants
from dragoman.registry.keys import KeyDraft, Keys, NewKey
from dragoman.registry.llms import LLMs
from dragoman.registry.organizations import Organizations
from dragoman.registry.principals import Principals
from dragoman.registry.trail import Trail
from dragoman.storage import schema
from dragoman.storage.sqlite import SqliteDatabase
from dragoman.storage.unit_of_work import SqlStore
from dragoman.upstream.egress import EgressPolicy, parse_networks
from dragoman.vault.digests import Digests, new_digest_key
from dragoman.vault.envelope import Vault, binding
from dragoman.vault.keys import Keyring
from dragoman.vault.secret import Secret

NOON_MS = 1_790_000_000_000
ORGANIZATION = "acme"
ORGANIZATION_ID = "01a00000-0000-7000-8000-0000000000ac"
PRIVATE = "/var/lib/dragoman"
DEPLOYMENT_ID = "01a00000-0000-7000-8000-00000000dead"


class SetClock:
    """A clock that stands still until it is moved, and counts its identifiers."""

    def __init__(self) -> None:
        self.time_ms = NOON_MS
        self._made = 0

    def now_ms(self) -> int:
        return self.time_ms

    def now_ns(self) -> int:
        return self.time_ms * 1_000_000

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
        self.digest_key = new_digest_key(self.vault)
        self.digests = Digests(self.vault, self.digest_key)
        self.organizations = Organizations(store=self.store, clock=self.clock)
        self.principals = Principals(store=self.store, clock=self.clock)
        self.keys = Keys(store=self.store, clock=self.clock)
        self.grants = Grants(store=self.store, clock=self.clock, private=[PRIVATE])
        self.trail = Trail(store=self.store)
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
            await work.deployment.add(Deployment(DEPLOYMENT_ID, clock.now_ms(), made.digest_key))
            await work.principals.add_organization(
                Organization(ORGANIZATION_ID, ORGANIZATION, clock.now_ms())
            )
        return made

    def llms_where_allowed(self, networks: str) -> LLMs:
        """Give the use cases of an installation whose operator opened these networks."""
        policy = EgressPolicy(parse_networks(networks))
        return LLMs(
            store=self.store,
            vault=self.vault,
            digests=self.digests,
            clock=self.clock,
            policy=policy,
        )

    async def new_key(
        self, role: Role = Role.ADMIN, name: str = "k", organization_id: str = ORGANIZATION_ID
    ) -> NewKey:
        """Make a key of a new principal, as the operator does."""
        return await self.keys.create(operator(), KeyDraft(name=name, role=role), organization_id)

    async def acting(
        self, role: Role = Role.ADMIN, organization_id: str = ORGANIZATION_ID
    ) -> Actor:
        """Make somebody new of this role."""
        new = await self.new_key(role, f"some {role}", organization_id)
        return actor(new.key, new.principal)

    async def granted(self, secret: str, *origins: str, organization: str = ORGANIZATION) -> Grant:
        """Let an organization use one of the operator's secrets."""
        draft = GrantDraft(organization=organization, secret=secret, origins=origins)
        return (await self.grants.give(draft)).grant

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
        assert stored.sealed is not None
        bound = binding(llm, stored.placement, stored.generation)
        return self.vault.open(stored.sealed, bound).reveal()


def a_configuration(*urls: str, **members: Any) -> Configuration:
    """Write a configuration, of one URL unless others are given."""
    endpoints = tuple(Endpoint.parse(url) for url in urls or ("https://one.example/v1",))
    required = {"display_name": "my-llm", "protocol": ProtocolName.OPENAI, "model": "tiny"}
    return Configuration(**{**required, "endpoints": endpoints, **members})


def a_draft(
    configuration: Configuration | None = None, secret: str | None = None, **asked: Any
) -> Draft:
    """Ask for a new LLM, with a credential if a secret is given."""
    credential = None if secret is None else AskedCredential(Secret(secret))
    configuration = configuration or a_configuration()
    return Draft(**{"configuration": configuration, "credential": credential, **asked})


def an_edit(change: Change | None = None, secret: str | None = None, **asked: Any) -> Edit:
    """Ask for a change, with a new secret if one is given."""
    credential = KEPT if secret is None else AskedCredential(Secret(secret))
    return Edit(**{"change": change or (lambda same: same), "credential": credential, **asked})


def borrowing(held: Held | str, **asked: Any) -> AskedCredential:
    """Ask for a secret of the operator's; a text is a reference."""
    return AskedCredential(held=SecretReference(held) if isinstance(held, str) else held, **asked)
