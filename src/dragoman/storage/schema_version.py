"""What is in a database, told by its tables, and which steps there are; on either engine."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    import sqlalchemy as sa

VERSION_TABLE = "alembic_version"
ALWAYS_THERE = frozenset({"deployment", "organizations", "principals", "api_keys", "llms"})
"""Tables that every version has had; others keep a version in a table of that name too."""


class SchemaError(RuntimeError):
    """A database that this version of Dragoman cannot use; the message says what to do."""


class Found(Struct, frozen=True):
    """What a look at a database found."""

    version: str | None = None
    """The last step it has had; None where there are no tables, empty where it has had none."""
    has_deployment: bool = False
    """Whether somebody has started on it."""


def version_of(tables: frozenset[str], versions: Sequence[str]) -> str | None:
    """Say the last step a database has had, by its tables and the rows of its version table."""
    if not tables:
        return None
    version = versions[0] if versions else ""
    is_ours = tables >= ALWAYS_THERE if version else tables == {VERSION_TABLE}
    if VERSION_TABLE not in tables or not is_ours or len(versions) > 1:
        raise SchemaError(
            "The database was not made by Dragoman; choose another data directory, or another "
            "database in DRAGOMAN_DATABASE_URL."
        )
    return version


def steps() -> list[str]:
    """List all steps in order, each as its number and name: `0001_registry`."""
    files = resources.files(f"{__package__}.migrations.versions").iterdir()
    return sorted(file.name[1:-3] for file in files if file.name[1:5].isdigit())


def run_steps(connection: "sa.Connection") -> None:
    """Run the steps that are missing, in the transaction that has begun."""
    import alembic.command  # noqa: PLC0415  # heavy, and a start without migrations goes without
    from alembic.config import Config  # noqa: PLC0415  # likewise

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    alembic.command.upgrade(config, "head")
