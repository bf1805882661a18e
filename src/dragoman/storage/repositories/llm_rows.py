"""Between an LLM and its rows: one in `llms`, one per label, one per secret."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from dragoman.domain.credential import (
    CREDENTIAL_FIELD,
    Credential,
    ExtraHeader,
    Held,
    Placement,
    Sealed,
    header_field,
)
from dragoman.domain.llm import LLM
from dragoman.storage.database import Row

JSON_COLUMNS = (
    "endpoints",
    "sampling",
    "capabilities",
    "modalities",
    "labels",
    "tags",
    "metadata",
    "client_config",
    "timeouts",
)
FLAG_COLUMNS = ("enabled", "is_default", "zero_data_retention")
CREDENTIAL_COLUMNS = (
    "credential_kind",
    "credential_header",
    "credential_prefix",
    "credential_generation",
    "credential_held",
    "credential_labels",
)
COLUMNS = (
    "organization_id",
    "id",
    "owner_id",
    "display_name",
    "description",
    "provider",
    "protocol",
    "model",
    "deployment_name",
    "api_version",
    "reasoning_effort",
    "reasoning_format",
    "max_context_length",
    "version",
    "monitoring_endpoint",
    *JSON_COLUMNS,
    *CREDENTIAL_COLUMNS,
    *FLAG_COLUMNS,
    "connection_key",
    "exclusive_key",
    "exclusive_name",
    "revision",
    "created_at_ms",
    "created_by",
    "updated_at_ms",
    "updated_by",
)
WRITTEN = (*COLUMNS, "search_text")

SEARCH_SEPARATOR = "\x1f"
"""Stands between the searched texts; nobody searches for it."""

SECRET_COLUMNS = (
    "organization_id",
    "llm_id",
    "field",
    "generation",
    "kek_id",
    "wrapped_dek",
    "ciphertext",
)


def values(llm: LLM) -> dict[str, Any]:
    """Give what goes into `llms`."""
    configuration = msgspec.structs.asdict(llm.configuration)
    for name in JSON_COLUMNS:
        configuration[name] = msgspec.json.encode(configuration[name]).decode()
    found_by = (configuration["display_name"], configuration["description"], configuration["model"])
    found = (
        msgspec.structs.asdict(llm)
        | configuration
        | _credential_values(llm.credential)
        | {"search_text": SEARCH_SEPARATOR.join(text for text in found_by if text).casefold()}
    )
    return {name: found[name] for name in WRITTEN}


def _credential_values(credential: Credential | None) -> dict[str, Any]:
    if credential is None:
        return dict.fromkeys(CREDENTIAL_COLUMNS)
    return {
        "credential_kind": credential.kind,
        "credential_header": credential.placement.header,
        "credential_prefix": credential.placement.prefix,
        "credential_generation": credential.generation,
        "credential_held": credential.held and msgspec.json.encode(credential.held).decode(),
        "credential_labels": msgspec.json.encode(credential.labels).decode(),
    }


def secrets(llm: LLM) -> Iterator[dict[str, Any]]:
    """Give what goes into `llm_secrets`."""
    stored = llm.credential
    if stored is not None and stored.sealed is not None:
        yield _secret(llm, CREDENTIAL_FIELD, stored.generation, stored.sealed)
    for header in llm.headers:
        yield _secret(llm, header_field(header.name), header.generation, header.sealed)


def _secret(llm: LLM, field: str, generation: int, sealed: Sealed) -> dict[str, Any]:
    return {
        "organization_id": llm.organization_id,
        "llm_id": llm.id,
        "field": field,
        "generation": generation,
    } | msgspec.structs.asdict(sealed)


def llm(row: Row, secret_rows: Sequence[Row] = ()) -> LLM:
    """Read an LLM; without its secret rows it has no headers, and no credential of its own."""
    values = dict(zip(COLUMNS, row, strict=True))
    for name in JSON_COLUMNS:
        values[name] = msgspec.json.decode(values[name])
    for name in FLAG_COLUMNS:
        values[name] = bool(values[name])
    credential, headers = None, []
    if values["credential_held"] is not None:
        held = msgspec.json.decode(values["credential_held"], type=Held)
        credential = _credential(values, values["credential_generation"], held=held)
    for _, _, field, generation, *sealed in secret_rows:
        if field == CREDENTIAL_FIELD:
            credential = _credential(values, generation, sealed=Sealed(*sealed))
        else:
            name = field.removeprefix(header_field(""))
            headers.append(ExtraHeader(name, generation, Sealed(*sealed)))
    parts = {"configuration": values, "credential": credential, "headers": tuple(headers)}
    return msgspec.convert(values | parts, LLM)


def _credential(values: dict[str, Any], generation: int, **source: Any) -> Credential:
    return Credential(
        Placement(values["credential_header"], values["credential_prefix"]),
        generation,
        labels=msgspec.json.decode(values["credential_labels"] or "{}"),
        **source,
    )
