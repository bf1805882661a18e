"""The file of platform LLMs: its members, where its secrets come from, and what is wrong with it.

Members have the domain's names.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Struct
from pydantic import BaseModel, Field, PlainValidator, ValidationInfo

from dragoman.cli.listed_members import STRICT, listed
from dragoman.domain.credential import GoogleAdc, Held, Placement, SecretReference
from dragoman.domain.errors import Problem
from dragoman.domain.llm import (
    Capability,
    Configuration,
    Known,
    Modality,
    ProtocolName,
    Provenance,
    Provider,
    ReasoningEffort,
    ReasoningFormat,
    Sampling,
    Timeouts,
)
from dragoman.domain.url import Endpoint
from dragoman.protocols.placement import placement
from dragoman.registry.asked import AskedCredential, Draft
from dragoman.registry.platform import PlatformDraft
from dragoman.settings import variable
from dragoman.vault.secret import Secret

MAX_SECRET_BYTES = 64 * 1024


class _Member(BaseModel):
    model_config = STRICT


class _Absent(Struct, frozen=True):
    """A secret that is not where the file says."""

    reason: str


def _secret(value: Any, info: ValidationInfo) -> Secret | _Absent:
    """Fetch a secret from where the file says it is."""
    match value:
        case str(plain) if info.context and info.context["allow_plain_secrets"]:
            return Secret(plain)
        case str():
            return _Absent(
                "is a secret in plain text; write {env: NAME} or {file: PATH} in its place, or "
                "allow it with --allow-plain-secrets"
            )
        case {"env": str(name), **others} if not others:
            text = variable(name)
            return Secret(text) if text else _Absent("this environment variable is not set")
        case {"file": str(path), **others} if not others:
            text = _file_text(Path(path))
            return (
                Secret(text) if text else _Absent("this file cannot be read as text, or is empty")
            )
    return _Absent("must be {env: NAME} or {file: PATH}")


def _file_text(path: Path) -> str | None:
    """Read a secret's file; a line break at its end is no part of the secret."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_SECRET_BYTES).decode().removesuffix("\n").removesuffix("\r")
    except (OSError, ValueError):
        return None


_Secret = Annotated[Any, PlainValidator(_secret)]


# Enumerations are written as texts, which a strict model takes for nothing else.
_Text = Field(strict=False)
_Provider = Annotated[Provider, _Text]
_Protocol = Annotated[ProtocolName, _Text]
_Effort = Annotated[ReasoningEffort, _Text]
_Format = Annotated[ReasoningFormat, _Text]
_Capability = Annotated[Capability, _Text]
_Modality = Annotated[Modality, _Text]


class _Endpoint(_Member):
    url: str
    region: str | None = None


class _GoogleAdc(_Member):
    scopes: list[str] = []
    quota_project_id: str | None = None


class _Credential(_Member):
    """Has one of the first three."""

    secret: _Secret = None
    """It is fetched now, and stored sealed."""
    reference: str | None = None
    """The server fetches it when it is used."""
    google_adc: _GoogleAdc | None = None
    header: str | None = None
    prefix: str | None = None


class _Sampling(_Member):
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    stop_sequences: list[str] = []


class _Timeouts(_Member):
    connect_s: float | None = None
    first_byte_s: float | None = None
    idle_s: float | None = None
    total_s: float | None = None


class _LLM(_Member):
    display_name: str
    description: str | None = None
    provider: _Provider | None = None
    protocol: _Protocol
    endpoints: list[_Endpoint] = []
    model: str
    deployment_name: str | None = None
    api_version: str | None = None
    sampling: _Sampling = _Sampling()
    reasoning_effort: _Effort | None = None
    reasoning_format: _Format | None = None
    capabilities: dict[_Capability, bool] = {}
    modalities: list[_Modality] = []
    max_context_length: int | None = None
    labels: dict[str, str] = {}
    tags: list[str] = []
    metadata: dict[str, Any] = {}
    client_config: dict[str, Any] | None = None
    version: str | None = None
    monitoring_endpoint: str | None = None
    timeouts: _Timeouts = _Timeouts()
    enabled: bool = True
    is_default: bool = False
    zero_data_retention: bool = False
    credential: _Credential | None = None
    headers: dict[str, _Secret] = {}


class PlatformFile(Struct, frozen=True):
    """What a file asks for."""

    wanted: tuple[PlatformDraft, ...]
    """What could be read."""
    problems: tuple[Problem, ...]
    """What is wrong with the rest."""


def read(data: bytes, *, allow_plain_secrets: bool) -> PlatformFile:
    """Read a file, and fetch its secrets. Raises Malformed for what is not YAML."""
    context = {"allow_plain_secrets": allow_plain_secrets}
    members, problems = listed(data, "llms", _LLM, context)
    for position, llm in members:
        problems += _incomplete(position, llm)
    wanted = tuple(_wanted(position, llm) for position, llm in members)
    return PlatformFile(wanted, tuple(problems))


def _wanted(position: int, member: _LLM) -> PlatformDraft:
    """Write what was read in the domain's words."""
    given = {name: getattr(member, name) for name in _LLM.model_fields}
    members = {name: given[name] for name in Configuration.__struct_fields__}
    members |= {
        "endpoints": tuple(Endpoint.parse(each.url, each.region) for each in member.endpoints),
        "sampling": msgspec.convert(member.sampling.model_dump(), Sampling),
        "timeouts": msgspec.convert(member.timeouts.model_dump(), Timeouts),
        "capabilities": {
            name: Known(supported, Provenance.DECLARED)
            for name, supported in member.capabilities.items()
        },
        "modalities": tuple(member.modalities),
        "tags": tuple(member.tags),
    }
    return PlatformDraft(
        position=position,
        draft=Draft(
            configuration=Configuration(**members),
            credential=_credential(member),
            headers={
                name.lower(): value
                for name, value in member.headers.items()
                if isinstance(value, Secret)
            },
        ),
        is_default=member.is_default,
        zero_data_retention=member.zero_data_retention,
    )


def _credential(member: _LLM) -> AskedCredential | None:
    given = member.credential
    if given is None:
        return None
    place, held = None, _held(given)
    if given.header is not None:
        place = Placement.named(given.header, given.prefix)
    elif given.prefix is not None:
        place = Placement(placement(member.protocol, held).header, given.prefix)
    secret = given.secret if isinstance(given.secret, Secret) else None
    return AskedCredential(secret, place, held)


def _held(given: _Credential) -> Held | None:
    if given.reference is not None:
        return SecretReference(given.reference)
    if given.google_adc is not None:
        return GoogleAdc(tuple(given.google_adc.scopes), given.google_adc.quota_project_id)
    return None


def _incomplete(position: int, member: _LLM) -> Iterator[Problem]:
    """Say which secrets could not be fetched, and where there is none or more than one."""
    fetched: dict[tuple[str, ...], Any] = {
        ("headers", name): value for name, value in member.headers.items()
    }
    if member.credential is not None:
        given = member.credential
        fetched["secret",] = given.secret
        if sum(each is not None for each in (given.secret, given.reference, given.google_adc)) != 1:
            message = "must have one of secret, reference and google_adc"
            yield Problem(("llms", position, "credential"), message, "invalid")
    for path, value in fetched.items():
        if isinstance(value, _Absent):
            yield Problem(("llms", position, *path), value.reason, "no_secret")


def as_written(problem: Problem) -> Problem:
    """Write a problem's place as the file has it."""
    match problem.path[2:]:
        case ("secret",):
            name = "secret"
        case ("credential", "held"):
            name = "google_adc" if problem.code == "invalid_google_adc" else "reference"
        case _:
            return problem
    return problem._replace(path=(*problem.path[:2], "credential", name))
