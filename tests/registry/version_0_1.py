"""An installation as version 0.1 left it: its schema, and rows written in its way."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from dragoman.domain.credential import Credential, Placement, Sealed
from dragoman.domain.llm import LLM
from dragoman.vault.envelope import Vault, binding
from dragoman.vault.secret import Secret

SCHEMA = Path(__file__).with_suffix(".sql")
"""What `schema.sql` was then."""

CREATED_MS = 1_780_000_000_000


def credential_of(vault: Vault, llm: LLM, plain: str, generation: int) -> Credential:
    """Seal a credential; version 0.1 bound it to the same things."""
    place = Placement("Authorization", "Bearer ")
    sealed = vault.seal(Secret(plain), binding(llm, place, generation))
    return Credential(place, generation, sealed)


def make(path: Path, rows: dict[str, list[dict[str, Any]]]) -> None:
    """Make the database that version 0.1 would have made, with these rows."""
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(SCHEMA.read_text())
        for table, lines in rows.items():
            for row in lines:
                names = ", ".join(row)
                values = ", ".join(f":{name}" for name in row)
                database.execute(f"INSERT INTO {table} ({names}) VALUES ({values})", row)  # noqa: S608


def llm_row(llm: LLM) -> dict[str, Any]:
    """Write an LLM as version 0.1 did; it had no members but these."""
    configuration, stored = llm.configuration, llm.credential
    sealed = (stored and stored.sealed) or Sealed("", b"", b"")
    endpoints = [
        {"base_url": each.base_url, "path": each.path, "region": each.region}
        for each in configuration.endpoints
    ]
    return {
        "organization_id": llm.organization_id,
        "id": llm.id,
        "owner_id": llm.owner_id,
        "display_name": configuration.display_name,
        "description": configuration.description,
        "protocol": configuration.protocol,
        "endpoints": json.dumps(endpoints),
        "model": configuration.model,
        "deployment_name": configuration.deployment_name,
        "api_version": configuration.api_version,
        "temperature": configuration.sampling.temperature,
        "max_tokens": configuration.sampling.max_tokens,
        "reasoning_effort": configuration.reasoning_effort,
        "reasoning_format": configuration.reasoning_format,
        "tags": json.dumps(configuration.tags),
        "metadata": json.dumps(configuration.metadata),
        "enabled": configuration.enabled,
        "credential_kind": stored.kind if stored else None,
        "credential_header": stored.placement.header if stored else None,
        "credential_prefix": stored.placement.prefix if stored else None,
        "credential_generation": stored.generation if stored else None,
        "kek_id": sealed.kek_id if stored else None,
        "wrapped_dek": sealed.wrapped_dek if stored else None,
        "ciphertext": sealed.ciphertext if stored else None,
        "is_default": llm.is_default,
        "zero_data_retention": llm.zero_data_retention,
        "revision": llm.revision,
        "created_at_ms": llm.created_at_ms,
        "created_by": llm.created_by,
        "updated_at_ms": llm.updated_at_ms,
        "updated_by": llm.updated_by,
        "search_text": f"{configuration.display_name}\x1f{configuration.model}".casefold(),
    }
