"""An installation with the operator's list of LLMs, in tests of applying it."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from dragoman.app.clock import SystemClock
from dragoman.app.opened import opened
from dragoman.authz.check import operator, scope
from dragoman.authz.policy import Action
from dragoman.domain.llm import LLM, Configuration, ProtocolName
from dragoman.domain.page import LLMQuery
from dragoman.domain.url import Endpoint
from dragoman.registry.asked import AskedCredential, Draft
from dragoman.registry.platform import Applied, PlatformDraft, PlatformLLMs
from dragoman.registry.secrets import Secrets
from dragoman.settings import Settings
from dragoman.storage.sqlite import SqliteDatabase
from dragoman.storage.unit_of_work import SqlStore
from dragoman.upstream.egress import EgressPolicy
from dragoman.vault.envelope import Vault
from dragoman.vault.secret import Secret
from tests.registry.installation import borrowing


class Platform:
    """An installation, and the use case on it."""

    def __init__(self, path: Path, store: SqlStore, vault: Vault, use_case: PlatformLLMs) -> None:
        self.path = path
        self.store = store
        self.secrets = Secrets(vault)
        self.use_case = use_case

    async def apply(self, *wanted: PlatformDraft, **options: bool) -> list[tuple[Any, ...]]:
        """Apply a list; gives names, outcomes and changed members."""
        return told(await self.use_case.apply(wanted, **options))

    async def stored(self) -> dict[str, LLM]:
        """Give what is stored, by name."""
        async with self.store.reading() as work:
            page = await work.llms.page(scope(operator(), Action.LIST), LLMQuery(limit=200))
        return {llm.configuration.display_name: llm for llm in page.items}

    def rows(self, sql: str) -> list[Any]:
        """Run SQL, which sees only what is committed."""
        with closing(sqlite3.connect(self.path)) as database, database:
            return database.execute(sql).fetchall()

    @property
    def audit(self) -> list[Any]:
        """What the audit trail has of LLMs."""
        return self.rows(
            "SELECT action, members FROM audit WHERE action LIKE 'llm.%' ORDER BY revision"
        )


def told(applied: Sequence[Applied]) -> list[tuple[Any, ...]]:
    """Give what became of each."""
    return [
        (each.llm.configuration.display_name, str(each.outcome), *each.members) for each in applied
    ]


@asynccontextmanager
async def open_platform(folder: Path) -> AsyncIterator[Platform]:
    """Open an installation that has been made."""
    settings = Settings(data_dir=str(folder))
    database = SqliteDatabase(settings.database_path)
    store = SqlStore(database)
    vault, digests = await opened(settings, store)
    use_case = PlatformLLMs(
        store=store,
        vault=vault,
        digests=digests,
        clock=SystemClock(),
        policy=EgressPolicy(),
        private=[str(folder)],
    )
    yield Platform(settings.database_path, store, vault, use_case)
    await database.close()


def wanted(name: str = "one", **members: Any) -> PlatformDraft:
    """Ask for an LLM with a credential and another header, unless told otherwise.

    `held` is a secret of the operator's, in place of the LLM's own.
    """
    given: dict[str, Any] = {
        "position": 0,
        "secret": "sk-one",
        "held": None,
        "placement": None,
        "headers": {"x-project": "p1"},
        "is_default": False,
        "zero_data_retention": False,
        "urls": ("https://one.example/v1/chat/completions",),
        "protocol": ProtocolName.OPENAI,
        "model": "m",
    } | members
    secret, held, headers = given.pop("secret"), given.pop("held"), given.pop("headers")
    place, urls = given.pop("placement"), given.pop("urls")
    flags = {name: given.pop(name) for name in ("position", "is_default", "zero_data_retention")}
    configuration = Configuration(
        display_name=name, endpoints=tuple(map(Endpoint.parse, urls)), **given
    )
    credential = AskedCredential(Secret(secret), place) if secret else None
    draft = Draft(
        configuration=configuration,
        credential=borrowing(held, placement=place) if held else credential,
        headers={name: Secret(value) for name, value in headers.items()},
    )
    return PlatformDraft(draft=draft, **flags)
