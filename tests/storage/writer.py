"""Another process that writes to the registry, and says of each row when it was stored.

python -m tests.storage.writer DATABASE NAME COUNT
"""

import asyncio
import sys
from pathlib import Path

from dragoman.domain.principal import Organization
from dragoman.storage.sqlite import SqliteDatabase
from dragoman.storage.unit_of_work import SqlStore


async def write(path: Path, name: str, count: int) -> None:
    """Store organizations, each in a transaction of its own; print the name of each that is in."""
    database = SqliteDatabase(path)
    store = SqlStore(database)
    for number in range(count):
        row = f"{name}-{number}"
        async with store.writing() as work:
            await work.principals.add_organization(Organization(row, row, 0))
        print(row, flush=True)  # noqa: T201  # this is what the program is for
    await database.close()


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
