"""Which database is opened, and that a start with SQLite does not pay for the other engine."""

import subprocess
import sys
from pathlib import Path

from dragoman.settings import Settings
from dragoman.storage.database import PostgresUrl
from dragoman.storage.engines import locate

PROGRAM = """
import sys
from pathlib import Path
import dragoman.app.worker, dragoman.cli.serve, dragoman.cli.migrate
from dragoman.storage import schema
from dragoman.storage.engines import open_database
path = Path(sys.argv[1])
schema.prepare(path)
schema.require(path)
open_database(path)
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_a_url_stands_before_the_data_directory() -> None:
    assert locate(Settings(data_dir="/srv/data")) == Path("/srv/data/dragoman.db")
    url = "postgresql://db.example/dragoman"
    found = locate(Settings(data_dir="/srv/data", database_url=url))
    assert isinstance(found, PostgresUrl)
    assert found.text == url


def test_sqlite_is_used_without_importing_the_other_driver_or_migrations(tmp_path: Path) -> None:
    program = [sys.executable, "-c", PROGRAM, str(tmp_path / "dragoman.db")]
    imported = subprocess.run(program, capture_output=True, text=True, check=True).stdout.split()
    assert "sqlite3" in imported
    assert {"psycopg", "sqlalchemy", "alembic"} & set(imported) == set()
