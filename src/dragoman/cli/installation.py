"""Commands that work on the installation itself: whoever has its data directory may do all."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from dragoman.app.clock import SystemClock
from dragoman.cli.problems import explained
from dragoman.registry.grants import Grants
from dragoman.registry.keys import Keys
from dragoman.registry.organizations import Organizations
from dragoman.settings import Settings, load
from dragoman.storage import schema
from dragoman.storage.engines import locate, open_database
from dragoman.storage.unit_of_work import SqlStore

if TYPE_CHECKING:
    from dragoman.registry.platform import PlatformLLMs

T = TypeVar("T")

DataDir = Annotated[str | None, typer.Option(help="Folder of the database. [DRAGOMAN_DATA_DIR]")]


class Installation:
    """The use cases of an operator, on an open database."""

    def __init__(self, settings: Settings, store: SqlStore) -> None:
        clock = SystemClock()
        self.settings = settings
        self.store = store
        readers = settings.credential_readers
        self.keys = Keys(store=store, clock=clock, credential_readers=readers)
        self.organizations = Organizations(store=store, clock=clock)
        self.grants = Grants(store=store, clock=clock, private=_private(settings))
        self._clock = clock

    async def platform_llms(self) -> "PlatformLLMs":
        """Open what seals platform LLMs. Raises BootstrapError, KeyringError, OSError."""
        from dragoman.app.opened import opened  # noqa: PLC0415  # other commands seal nothing
        from dragoman.registry.platform import PlatformLLMs  # noqa: PLC0415  # likewise
        from dragoman.upstream.egress import EgressPolicy, parse_networks  # noqa: PLC0415

        vault, digests = await opened(self.settings, self.store)
        return PlatformLLMs(
            store=self.store,
            vault=vault,
            digests=digests,
            clock=self._clock,
            policy=EgressPolicy(parse_networks(",".join(self.settings.egress_allow))),
            private=_private(self.settings),
        )


def _private(settings: Settings) -> set[str]:
    """List what is never granted."""
    return {
        str(path) for each in settings.private_paths for path in (each.absolute(), each.resolve())
    }


def on_installation(data_dir: str | None, use: Callable[[Installation], Awaitable[T]]) -> T:
    """Open the installation for one use, and close it again; failures end the command."""

    async def run() -> T:
        settings = load({"data_dir": data_dir})
        location = locate(settings)
        schema.require(location)
        database = open_database(location)
        try:
            return await use(Installation(settings, SqlStore(database)))
        finally:
            await database.close()

    with explained():
        return asyncio.run(run())
