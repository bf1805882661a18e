"""Reading settings: options stand before `DRAGOMAN_*` variables, and those before defaults."""

import os
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from dragoman.settings import checks
from dragoman.settings.checks import SettingsError
from dragoman.settings.fields import PREFIX, Settings


def load(
    options: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Read the settings: options first, then `DRAGOMAN_*`, then defaults.

    Raises SettingsError for a value that does not fit and for a variable that does not exist,
    because a misspelled setting is worse than a missing one.
    """
    variables = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    for variable, text in variables.items():
        if variable.startswith(PREFIX) and variable not in CLIENT_VARIABLES:
            values[_field(variable)] = text
    values |= {name: value for name, value in (options or {}).items() if value is not None}
    values["egress_allow"] = checks.networks(values.get("egress_allow", ""))
    values["trace_hosts"] = checks.hosts(values.get("trace_hosts", ""))
    values["credential_readers"] = checks.roles(values.get("credential_readers", ""))
    for name, check in checks.OF_ONE.items():
        if values.get(name) is not None:
            check(values[name])
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(_explain(str(error))) from None


def load_usable(
    options: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> tuple[Settings, list[SettingsError]]:
    """Read the settings as far as they can be used; give what is wrong with the others.

    Raises SettingsError where an option is at fault.
    """
    variables = dict(os.environ if environment is None else environment)
    errors: list[SettingsError] = []
    while True:
        try:
            return load(options, variables), errors
        except SettingsError as error:
            at_fault = _VARIABLE.match(str(error))  # every message begins with it
            if at_fault is None or variables.pop(at_fault[0], None) is None:
                raise
            errors.append(error)


_VARIABLE = re.compile(rf"{PREFIX}\w+", re.ASCII)

CLIENT_VARIABLES = frozenset({"DRAGOMAN_URL", "DRAGOMAN_API_KEY", "DRAGOMAN_MOVE_TO"})
"""Variables of programs that call Dragoman and of single commands; they are not the server's."""


def variable(name: str) -> str | None:
    """Read a variable that an operator has named; None where it is not set or empty."""
    return os.environ.get(name) or None


DEFAULT_URL = "http://127.0.0.1:8080"


class Calling(Struct, frozen=True, kw_only=True):
    """What the environment says to commands that call a server."""

    url: str
    api_key: str | None
    colors: bool
    """Whether a terminal may be written on in colors (no-color.org)."""


def calling(environment: Mapping[str, str] | None = None) -> Calling:
    """Read the variables of programs that call Dragoman; an empty one counts as unset."""
    variables = os.environ if environment is None else environment
    return Calling(
        url=variables.get("DRAGOMAN_URL") or DEFAULT_URL,
        api_key=variables.get("DRAGOMAN_API_KEY") or None,
        colors=not variables.get("NO_COLOR") and variables.get("TERM") != "dumb",
    )


def _field(variable: str) -> str:
    name = variable.removeprefix(PREFIX).lower()
    if name not in Settings.__struct_fields__ or variable != variable.upper():
        raise SettingsError(f"{variable} is not a setting; docs/settings.md lists them all.")
    return name


def _explain(error: str) -> str:
    """Turn msgspec's `… - at `$.port`` into a sentence that names the variable."""
    reason, _, place = error.partition(" - at `$.")
    name = place.rstrip("`").partition(".")[0].partition("[")[0]
    return f"{PREFIX}{name.upper()}: {reason[:1].lower()}{reason[1:]}." if name else error
