"""Whether the database can be reached, is whole, and has this version's schema."""

from pathlib import Path

from dragoman.app.examination.finding import Finding, ok, problem
from dragoman.domain.errors import DragomanError
from dragoman.settings import Settings, SettingsError
from dragoman.storage import schema
from dragoman.storage.engines import locate
from dragoman.storage.schema import HEAD, SchemaError
from dragoman.storage.survey import damages

CHECK = "database"


def database(settings: Settings) -> Finding:
    """Look at the database as a whole. Everything else that is stored needs this to be well."""
    location = locate(settings)
    try:
        schema.require(location)
    except (SchemaError, SettingsError, DragomanError, OSError) as error:
        return problem(CHECK, str(error))
    if not isinstance(location, Path):
        return ok(CHECK, f"PostgreSQL can be reached and has the schema {HEAD}.")
    found = damages(location)
    if found:
        return problem(
            CHECK,
            f"{location} is damaged ({found[0]}). Stop the servers, keep a copy of the file, and "
            "restore a backup.",
        )
    return ok(CHECK, f"{location} is whole and has the schema {HEAD}.")
