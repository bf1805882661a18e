"""Writes what is generated from the code; with --check, says what is out of date instead.

src/dragoman/storage/schema.sql   the snapshot of all migration steps
docs/settings.md                  the table of settings
docs/openapi/*.json               one description per registry dialect
"""

import json
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import msgspec

from dragoman.app.surfaces import openapi
from dragoman.settings import PREFIX, Settings
from dragoman.storage import schema

ROOT = Path(__file__).parent.parent


def schema_sql() -> str:
    """Run every migration step on an empty database and write down what is there then."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        schema.upgrade(path)
        with closing(sqlite3.connect(path)) as database:
            made = database.execute("SELECT sql FROM sqlite_schema WHERE sql NOT NULL").fetchall()
    statements = [
        "-- The snapshot of all steps under migrations/versions; made by scripts/generate.py.",
        *(f"{' '.join(sql.split())};" for (sql,) in made),
        f"INSERT INTO alembic_version (version_num) VALUES ('{schema.HEAD}');",  # noqa: S608
    ]
    return "\n".join(statements) + "\n"


def settings_table() -> str:
    """Write each setting's variable, default and meaning."""
    rows = [
        "# Settings",
        "",
        "Each is an environment variable. `dragoman serve --help` shows which are options too;",
        "an option stands before its variable. Made by `scripts/generate.py`.",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    ]
    rows += [
        f"| `{PREFIX}{field.name.upper()}` | {_default(field.default)} "
        f"| {_description(field.type)} |"
        for field in msgspec.structs.fields(Settings)
    ]
    return "\n".join(rows) + "\n"


def _default(value: Any) -> str:
    if value is None or value == ():
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _description(annotation: Any) -> str:
    """Find the description among a type's metadata; the last one is the setting's own."""
    texts = [meta.description for meta in get_args(annotation)[1:] if meta.description]
    return str(texts[-1])


def outputs() -> Mapping[Path, Callable[[], str]]:
    """List every generated file and what makes it."""
    files: dict[Path, Callable[[], str]] = {
        ROOT / "src/dragoman/storage/schema.sql": schema_sql,
        ROOT / "docs/settings.md": settings_table,
    }
    for name, description in openapi().items():
        text = json.dumps(description, indent=2, sort_keys=True) + "\n"
        files[ROOT / f"docs/openapi/{name}.json"] = lambda text=text: text
    return files


def main() -> int:
    """Write, or with --check compare, every generated file."""
    check = "--check" in sys.argv[1:]
    stale = 0
    for path, make in outputs().items():
        text = make()
        if path.exists() and path.read_text() == text:
            continue
        stale += 1
        if check:
            print(f"{path.relative_to(ROOT)} is out of date; run scripts/fix")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(f"wrote {path.relative_to(ROOT)}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
