"""The settings of a server, as a table: their types, defaults and meanings."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from dragoman.domain.principal import Role

PREFIX = "DRAGOMAN_"

Port = Annotated[int, Meta(ge=0, le=65535)]
Text = Annotated[str, Meta(min_length=1)]
Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0, le=86400)]
SizeBytes = Annotated[int, Meta(ge=1024, le=2**40)]


SENSITIVE = ("database_url", "egress_proxy", "vault_token")
"""What is never shown: a token, and URLs that may hold a password."""


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
    secret_files: Annotated[
        Text | None,
        Meta(description="Folder of the files that may be granted as `file:///…` secrets."),
    ] = None
    vault_address: Annotated[
        Text | None,
        Meta(
            description="OpenBao or Vault server that `vault://…` secrets are read from: "
            "`https://vault.internal:8200`. Plain http only where it is this machine, or listed "
            "in `DRAGOMAN_EGRESS_ALLOW`."
        ),
    ] = None
    vault_token: Annotated[
        Text | None, Meta(description="Token for that server; a file is better.")
    ] = None
    vault_token_file: Annotated[
        Text | None,
        Meta(description="File of that token, such as an agent's sink; read whenever it is used."),
    ] = None
    vault_namespace: Annotated[
        Text | None, Meta(description="Namespace of that server to read from.")
    ] = None
    google_credentials: Annotated[
        Text | None,
        Meta(
            description="Google credentials that may be granted: the JSON file of a service "
            "account, or `metadata` for the machine's own from Google's metadata server."
        ),
    ] = None
    google_token_endpoint: Annotated[
        Text | None,
        Meta(
            description="URL (https) that Google's tokens are fetched from in place of the one in "
            "the service account's file, such as a Private Service Connect endpoint."
        ),
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
        Meta(
            description="How long calls go on from memory while the database, or a source of "
            "secrets, is away [s]."
        ),
    ] = 3600.0
    drain_s: Annotated[
        Seconds, Meta(description="How long running requests may take after SIGTERM [s].")
    ] = 30.0

    def __repr__(self) -> str:
        """Show everything but what is a secret, or may hold one."""
        shown = {name: getattr(self, name) for name in self.__struct_fields__}
        shown |= {name: ... for name in SENSITIVE if shown[name]}
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

    @property
    def private_paths(self) -> tuple[Path, ...]:
        """The files and folders that open what is stored, or that we are known to others by."""
        named = (self.vault_token_file, self.google_credentials)
        return (self.data_path, self.kek_path, *(Path(name) for name in named if name))
