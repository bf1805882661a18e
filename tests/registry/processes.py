"""Several processes on one database file, each with its own memories."""

import asyncio
import functools
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dragoman.app.memories import Memories
from dragoman.authz.check import Actor
from dragoman.domain.change import Change, Noun
from dragoman.domain.deployment import Deployment
from dragoman.domain.principal import Organization
from dragoman.gateway.directory import Directory
from dragoman.registry.authentication import Authenticator
from dragoman.registry.keys import Keys
from dragoman.registry.llms import LLMs
from dragoman.registry.principals import Principals
from dragoman.storage import schema
from dragoman.storage.sqlite import SqliteDatabase
from dragoman.storage.unit_of_work import SqlStore
from dragoman.upstream.egress import EgressPolicy
from dragoman.vault.digests import Digests, new_digest_key
from dragoman.vault.envelope import Vault
from dragoman.vault.keys import Keyring
from tests.fakes.held import FakeHeldSecrets
from tests.registry.installation import DEPLOYMENT_ID, SetClock
from tests.registry.reference import PLATFORM

ORGANIZATIONS = ("01a00000-0000-7000-8000-0000000000a1", "01a00000-0000-7000-8000-0000000000a2")
VAULT = Vault(Keyring.generate(), DEPLOYMENT_ID)
DIGEST_KEY = new_digest_key(VAULT)
DIGESTS = Digests(VAULT, DIGEST_KEY)
PLATFORM_LLM_ID = "01a00000-0000-7000-8000-0000000000b0"


@functools.cache
def template() -> Path:
    """Make a database with two organizations, once: it is copied for each run."""
    path = Path(tempfile.mkdtemp(prefix="template")) / "dragoman.db"
    schema.prepare(path)

    async def fill() -> None:
        database = SqliteDatabase(path)
        async with SqlStore(database).writing() as work:
            await work.deployment.add(Deployment(DEPLOYMENT_ID, 0, DIGEST_KEY))
            for organization_id in (*ORGANIZATIONS, PLATFORM):
                organization = Organization(organization_id, organization_id, 0)
                await work.principals.add_organization(organization)
        await database.close()

    asyncio.run(fill())
    return path


class Process:
    """The use cases and memories of one process."""

    def __init__(self, path: Path, clock: SetClock) -> None:
        self.database = SqliteDatabase(path)
        self.memories = Memories()
        self.store = SqlStore(self.database, self.memories)
        self.keys = Keys(store=self.store, clock=clock)
        self.principals = Principals(store=self.store, clock=clock)
        self.llms = LLMs(
            store=self.store, vault=VAULT, digests=DIGESTS, clock=clock, policy=EgressPolicy([])
        )
        self.authenticator = Authenticator(store=self.store, clock=clock)
        self.directory = Directory(
            store=self.store, vault=VAULT, held=FakeHeldSecrets(), clock=clock
        )
        self.memories.add(self.authenticator, self.directory)

    async def acting(self, key: str) -> Actor:
        """Give whom a key stands for."""
        return await self.authenticator.authenticate([key])


class Machine:
    """Two processes on one file, and one clock."""

    platform_llm_id = PLATFORM_LLM_ID

    def __init__(self, path: Path) -> None:
        self._path = path
        self.clock = SetClock()
        self.processes = [Process(path, self.clock), Process(path, self.clock)]
        self._told = [0, 0]
        """Up to which change each has been told."""

    async def audit(self) -> Sequence[tuple[object, ...]]:
        """Read number, action, organization and actor of every change."""
        async with self.processes[0].database.read() as transaction:
            return await transaction.fetch(
                "SELECT revision, action, organization_id, actor_id FROM audit ORDER BY revision",
                {},
            )

    async def tell_others(self, writer: int) -> None:
        """Tell everybody but the writer what changed; the writer's own store has told it."""
        for number, process in enumerate(self.processes):
            changes = await self._after(self._told[number])
            if changes:
                self._told[number] = changes[-1].revision
            if changes and number != writer:
                process.memories.changed(changes)

    async def _after(self, revision: int) -> list[Change]:
        async with self.processes[0].database.read() as transaction:
            rows = await transaction.fetch(
                "SELECT revision, action, organization_id, target_id FROM audit "
                "WHERE revision > :revision ORDER BY revision",
                {"revision": revision},
            )
        return [
            Change(number, Noun(action.partition(".")[0]), organization_id, target_id)
            for number, action, organization_id, target_id in rows
        ]

    async def restart(self, number: int) -> None:
        """End a process and begin it again: nothing that it knew is left."""
        await self.processes[number].database.close()
        self.processes[number] = Process(self._path, self.clock)

    async def close(self) -> None:
        """End all."""
        for process in self.processes:
            await process.database.close()
