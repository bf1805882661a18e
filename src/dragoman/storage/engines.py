"""Which database the settings name, and how it is opened."""

from pathlib import Path

from dragoman.settings import Settings
from dragoman.storage.database import Database, Location, PostgresUrl
from dragoman.storage.sqlite import SqliteDatabase


def locate(settings: Settings) -> Location:
    """Say where the database is: at the URL that was given, else in the data directory."""
    if settings.database_url is None:
        return settings.database_path
    return PostgresUrl(settings.database_url)


def open_database(location: Location) -> Database:
    """Open a database that has been prepared; raises SettingsError for an unreadable URL."""
    if isinstance(location, Path):
        return SqliteDatabase(location)
    from dragoman.storage.postgres import PostgresDatabase  # noqa: PLC0415  # SQLite goes without

    return PostgresDatabase(location)
