"""Another process that writes to the registry, and says of each row when it was stored.

python -m tests.storage.writer DATABASE NAME COUNT
"""

import asyncio
import sys
from pathlib import Path

from dragoman.domain.principal import Organization
from dragoman.storage.database import Location, PostgresUrl
from dragoman.storage.engines import open_database
from dragoman.storage.unit_of_work import SqlStore


async def write(location: Location, name: str, count: int) -> None:
    """Store organizations, each in a transaction of its own; print the name of each that is in."""
    database = open_database(location)
    store = SqlStore(database)
    for number in range(count):
        row = f"{name}-{number}"
        async with store.writing() as work:
            await work.principals.add_organization(Organization(row, row, 0))
        print(row, flush=True)  # noqa: T201  # this is what the program is for
    await database.close()


if __name__ == "__main__":
    place = sys.argv[1]
    where = PostgresUrl(place) if "://" in place else Path(place)
    asyncio.run(write(where, sys.argv[2], int(sys.argv[3])))
