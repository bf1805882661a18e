"""All checks, as a table, and how they are carried out."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

from dragoman.app.clock import SystemClock
from dragoman.app.examination import held, lent, machine, stored
from dragoman.app.examination.database import database
from dragoman.app.examination.finding import Finding, Level, ok, problem
from dragoman.app.examination.server import server
from dragoman.domain.errors import DragomanError
from dragoman.settings import Settings, load_usable
from dragoman.storage.engines import locate, open_database
from dragoman.storage.survey import Survey
from dragoman.vault.keys import Keyring

OF_THE_MACHINE: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    machine.python,
    machine.sqlite,
    machine.data_directory,
    machine.private_files,
    machine.key_file_mode,
    machine.egress,
    machine.certificates,
    machine.descriptors,
    machine.disk,
)

OF_SOURCES: tuple[Callable[[Settings], AsyncIterator[Finding]], ...] = (
    held.settings_fit,
    held.secret_files,
    held.vault,
    held.google,
)

OF_THE_STORED: tuple[Callable[[stored.Opened], AsyncIterator[Finding]], ...] = (
    stored.keys_complete,
    stored.deployment,
    stored.llms,
    lent.secrets,
    stored.clock,
    stored.expiring_keys,
    stored.administrators,
)


async def examine(
    options: Mapping[str, Any], progress: stored.Progress = lambda _done, _of: None
) -> AsyncIterator[Finding]:
    """Carry out every check that can be; gives what each finds."""
    settings, errors = load_usable(options)
    for error in errors:
        yield problem("settings", str(error))
    if not errors:
        yield ok("settings", "Every DRAGOMAN_* variable is a setting and has a value that fits.")
    for check in OF_THE_MACHINE:
        for found in check(settings):
            yield found
    for source in OF_SOURCES:
        async for found in source(settings):
            yield found
    keyring, found = stored.key_file(settings)
    yield found
    found = database(settings)
    yield found
    if found.level is not Level.PROBLEM:
        async for found in _stored(settings, keyring, progress):
            yield found
    async for found in server(settings):
        yield found


async def _stored(
    settings: Settings, keyring: Keyring | None, progress: stored.Progress
) -> AsyncIterator[Finding]:
    """Look into a database that can be read; a check that cannot end is a problem of its own."""
    opened = open_database(locate(settings))
    survey = Survey(opened.read)
    try:
        examined = stored.Opened(
            settings=settings,
            survey=survey,
            clock=SystemClock(),
            progress=progress,
            keyring=keyring,
            deployment=await survey.deployment(),
        )
        for check in OF_THE_STORED:
            async for found in check(examined):
                yield found
    except (DragomanError, ValueError) as error:  # what is stored may not be what was written
        yield problem(
            "database",
            f"What is stored cannot be read ({type(error).__name__}); restore a backup, or look "
            "again when the database is free.",
        )
    finally:
        await opened.close()
