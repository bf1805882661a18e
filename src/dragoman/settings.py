"""What an operator can set: every setting is a `DRAGOMAN_*` variable, some are options too."""

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from dragoman.domain.egress_proxy import parse_egress_proxy
from dragoman.domain.principal import Role
from dragoman.domain.url import ascii_host

PREFIX = "DRAGOMAN_"


class SettingsError(ValueError):
    """A setting that cannot be used; the message names the variable and what it takes."""


Port = Annotated[int, Meta(ge=0, le=65535)]
Text = Annotated[str, Meta(min_length=1)]
Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0, le=86400)]
SizeBytes = Annotated[int, Meta(ge=1024, le=2**40)]


class Settings(Struct, frozen=True, kw_only=True):
    """The settings of one installation. A comment's text ends up in `docs/settings.md`."""

    data_dir: Annotated[Text, Meta(description="Folder of the database and the key file.")] = (
        ".data"
    )
    database_url: Annotated[
        str | None,
        Meta(
            description="PostgreSQL database to use instead of SQLite in the data directory: "
            "`postgresql://user:password@host:5432/database`."
        ),
    ] = None
    host: Annotated[Text, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[Port, Meta(description="Port to listen on; 0 takes a free one.")] = 8080
    workers: Annotated[Count, Meta(description="Processes that serve requests.")] = 1
    production: Annotated[
        bool, Meta(description="Refuse to start without a key file that was given.")
    ] = False
    kek_file: Annotated[
        str | None,
        Meta(description="Key file to use instead of `<data-dir>/kek`, such as a mounted secret."),
    ] = None
    egress_allow: Annotated[
        tuple[str, ...],
        Meta(
            description="Networks (CIDR, comma-separated) that LLMs may be called on beside "
            "public addresses: `127.0.0.0/8` for a server on this machine."
        ),
    ] = ()
    egress_proxy: Annotated[
        str | None,
        Meta(
            description="Proxy that public addresses are called through, by CONNECT: "
            "`http://user:password@host:port`. Networks in `DRAGOMAN_EGRESS_ALLOW` are called "
            "past it. `HTTPS_PROXY` and the like are not looked at."
        ),
    ] = None
    ca_bundle: Annotated[
        str | None,
        Meta(description="File of certificate authorities (PEM) to trust beside the system's."),
    ] = None
    region: Annotated[
        str | None, Meta(description="Region of this installation: endpoints in it come first.")
    ] = None
    trace_hosts: Annotated[
        tuple[str, ...],
        Meta(
            description="Hosts of LLMs (names, `*.suffix`, or `*` for all; comma-separated) that "
            "get a call's `traceparent` and `tracestate`."
        ),
    ] = ()
    credential_readers: Annotated[
        tuple[Role, ...],
        Meta(
            description="Roles (comma-separated) that see of credentials, through GoodMem's API, "
            "where they come from and go; the secret itself nobody sees."
        ),
    ] = ()
    log_level: Annotated[
        str, Meta(pattern="^(debug|info|warning|error)\\Z", description="Least level to log.")
    ] = "info"
    log_format: Annotated[
        str,
        Meta(pattern="^(auto|text|json)\\Z", description="`auto`: text on a terminal, else JSON."),
    ] = "auto"
    control_body_max_bytes: Annotated[
        SizeBytes, Meta(description="Largest body of a registry request [bytes].")
    ] = 1024 * 1024
    call_body_max_bytes: Annotated[
        SizeBytes, Meta(description="Largest body of a call to an LLM [bytes].")
    ] = 32 * 1024 * 1024
    caller_connections: Annotated[
        Count, Meta(description="Most callers connected at a time, per worker.")
    ] = 10_000
    caller_head_s: Annotated[
        Seconds, Meta(description="Deadline for the head of a request [s].")
    ] = 15.0
    caller_body_s: Annotated[
        Seconds,
        Meta(description="Deadline for the body of a request, beside 1 s for each KiB of it [s]."),
    ] = 30.0
    caller_write_s: Annotated[
        Seconds,
        Meta(description="How long a caller may take nothing of an answer that waits for it [s]."),
    ] = 60.0
    caller_keep_alive_s: Annotated[
        Seconds, Meta(description="How long a caller's connection may be silent [s].")
    ] = 75.0
    upstream_connections: Annotated[
        Count, Meta(description="Most connections to one upstream at a time, per worker.")
    ] = 1000
    upstream_connect_s: Annotated[
        Seconds, Meta(description="Deadline for reaching an upstream [s].")
    ] = 10.0
    upstream_first_byte_s: Annotated[
        Seconds, Meta(description="Deadline for an upstream's first byte [s].")
    ] = 120.0
    upstream_idle_s: Annotated[
        Seconds, Meta(description="Deadline between two pieces of an answer [s].")
    ] = 60.0
    upstream_total_s: Annotated[Seconds, Meta(description="Deadline for a whole answer [s].")] = (
        600.0
    )
    upstream_answer_max_bytes: Annotated[
        SizeBytes,
        Meta(description="Largest body of an upstream's answer, streamed or not [bytes]."),
    ] = 256 * 1024 * 1024
    upstream_line_max_bytes: Annotated[
        SizeBytes,
        Meta(description="Longest line of a streamed answer; an image comes in one [bytes]."),
    ] = 8 * 1024 * 1024
    stale_max_s: Annotated[
        Seconds,
        Meta(description="How long calls go on from memory while the database is away [s]."),
    ] = 3600.0
    drain_s: Annotated[
        Seconds, Meta(description="How long running requests may take after SIGTERM [s].")
    ] = 30.0

    def __repr__(self) -> str:
        """Show everything but the URLs that may hold a password."""
        shown = {name: getattr(self, name) for name in self.__struct_fields__}
        shown |= {name: ... for name in ("database_url", "egress_proxy") if shown[name]}
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    @property
    def data_path(self) -> Path:
        """The data directory."""
        return Path(self.data_dir)

    @property
    def database_path(self) -> Path:
        """The SQLite file."""
        return self.data_path / "dragoman.db"

    @property
    def kek_path(self) -> Path:
        """The keyring file, given or our own."""
        return Path(self.kek_file) if self.kek_file else self.data_path / "kek"


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
    values["egress_allow"] = _networks(values.get("egress_allow", ""))
    values["trace_hosts"] = _hosts(values.get("trace_hosts", ""))
    values["credential_readers"] = _roles(values.get("credential_readers", ""))
    _check_database_url(values.get("database_url"))
    _check_egress_proxy(values.get("egress_proxy"))
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


def _check_database_url(url: str | None) -> None:
    """Refuse what cannot be meant. The message quotes nothing: it may be a password."""
    if url is None:
        return
    scheme, separator, rest = url.partition("://")
    if scheme not in {"postgresql", "postgres"} or not separator:
        raise SettingsError(
            "DRAGOMAN_DATABASE_URL: expected a URL that begins with postgresql:// or postgres://; "
            "leave the variable out to use SQLite in the data directory."
        )
    # Where a password's own '@' or '/' stands as it is, the rest would be taken for a host's name.
    before, at, after = rest.partition("@")
    if "@" in after or (at and any(end in before for end in "/?#")):
        raise SettingsError(
            "DRAGOMAN_DATABASE_URL: write special characters of the user and the password as "
            "%40 for '@', %2F for '/', %3F for '?' and %23 for '#'."
        )


def _check_egress_proxy(url: str | None) -> None:
    if url is None:
        return
    try:
        parse_egress_proxy(url)
    except ValueError as error:
        raise SettingsError(f"DRAGOMAN_EGRESS_PROXY: {error}.") from None


def _networks(text: str) -> list[str]:
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    for entry in entries:
        try:
            ipaddress.ip_network(entry)
        except ValueError:
            raise SettingsError(
                f"DRAGOMAN_EGRESS_ALLOW: '{entry}' is not a network; write networks such as "
                "127.0.0.0/8 or 10.1.2.3/32, separated by commas."
            ) from None
    return entries


def _hosts(text: str) -> list[str]:
    entries = [entry.strip().lower() for entry in text.split(",") if entry.strip()]
    for entry in entries:
        if entry != "*" and ascii_host(entry.removeprefix("*.")) != entry.removeprefix("*."):
            raise SettingsError(
                f"DRAGOMAN_TRACE_HOSTS: '{entry}' is not a host; write names such as "
                "vllm.internal, *.internal for all below it, or * for all, separated by commas."
            )
    return entries


def _roles(text: str) -> list[str]:
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    if not {*entries} <= {*Role}:
        raise SettingsError(
            f"DRAGOMAN_CREDENTIAL_READERS: expected roles, separated by commas: {', '.join(Role)}."
        )
    return entries


def _explain(error: str) -> str:
    """Turn msgspec's `… - at `$.port`` into a sentence that names the variable."""
    reason, _, place = error.partition(" - at `$.")
    name = place.rstrip("`").partition(".")[0].partition("[")[0]
    return f"{PREFIX}{name.upper()}: {reason[:1].lower()}{reason[1:]}." if name else error
