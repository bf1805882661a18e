"""What an operator can set: every setting is a `DRAGOMAN_*` variable, some are options too."""

from dragoman.settings.checks import SettingsError, is_header_word
from dragoman.settings.fields import PREFIX, Settings
from dragoman.settings.reading import (
    CLIENT_VARIABLES,
    Calling,
    calling,
    load,
    load_usable,
    variable,
)

__all__ = [
    "CLIENT_VARIABLES",
    "PREFIX",
    "Calling",
    "Settings",
    "SettingsError",
    "calling",
    "is_header_word",
    "load",
    "load_usable",
    "variable",
]
