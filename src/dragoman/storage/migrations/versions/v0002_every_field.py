"""Every field of an LLM, labels, secrets in a table of their own, numbered changes."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROWS_AT_ONCE = 500

Row = dict[str, Any]


def upgrade() -> None:
    """Apply this step."""
    for name in CHANGED:
        op.execute(f"CREATE TABLE {name}_0001 AS SELECT * FROM {name}")
        op.drop_table(name)
    numbers = 0
    audit = _make_audit()
    for rows in _old_rows("audit", order="at_ms, id"):
        numbered = [row | {"revision": numbers + at} for at, row in enumerate(rows, start=1)]
        op.bulk_insert(audit, numbered)
        numbers += len(rows)
    _refill(_make_deployment(), lambda row: row | {"revision": numbers})
    _refill(_make_api_keys(), lambda row: row)
    llms, llm_secrets = _make_llms(), _make_llm_secrets()
    _make_llm_labels()
    for rows in _old_rows("llms", order="organization_id, id"):
        op.bulk_insert(llms, [_new_llm(row) for row in rows])
        op.bulk_insert(llm_secrets, [_secret(row) for row in rows if row["kek_id"] is not None])
    for name in CHANGED:
        op.drop_table(f"{name}_0001")
    op.create_index(
        "ix_principals_organization_id_created_at_ms_id",
        "principals",
        ["organization_id", "created_at_ms", "id"],
    )


CHANGED = ("audit", "deployment", "api_keys", "llms")


def _old_rows(name: str, *, order: str) -> Iterator[list[Row]]:
    """Read what was set aside, a batch at a time."""
    result = op.get_bind().execute(sa.text(f"SELECT * FROM {name}_0001 ORDER BY {order}"))
    for batch in result.mappings().partitions(ROWS_AT_ONCE):
        yield [dict(row) for row in batch]


def _refill(table: sa.Table, change: Callable[[Row], Row]) -> None:
    for rows in _old_rows(table.name, order="id"):
        op.bulk_insert(table, [change(row) for row in rows])


def _new_llm(row: Row) -> Row:
    """Put an LLM's former members where they stand now."""
    sampling = {name: row[name] for name in ("temperature", "max_tokens") if row[name] is not None}
    gone = (
        "temperature",
        "max_tokens",
        "credential_generation",
        "kek_id",
        "wrapped_dek",
        "ciphertext",
    )
    kept = {name: value for name, value in row.items() if name not in gone}
    flags = {name: bool(row[name]) for name in ("enabled", "is_default", "zero_data_retention")}
    return (
        kept
        | flags
        | {
            "sampling": json.dumps(sampling),
            "capabilities": "{}",
            "modalities": "[]",
            "labels": "{}",
            "client_config": "null",
            "timeouts": "{}",
        }
    )


def _secret(row: Row) -> Row:
    return {
        "organization_id": row["organization_id"],
        "llm_id": row["id"],
        "field": "credential",
        "generation": row["credential_generation"],
        "kek_id": row["kek_id"],
        "wrapped_dek": row["wrapped_dek"],
        "ciphertext": row["ciphertext"],
    }


def _make_audit() -> sa.Table:
    table = op.create_table(
        "audit",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("actor_id", sa.String(length=36), nullable=False),
        sa.Column("key_id", sa.String(length=36), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target_id", sa.String(length=36), nullable=False),
        sa.Column("members", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=("pk_audit")),
        sa.UniqueConstraint("revision", name=("uq_audit_revision")),
    )
    op.create_index(
        ("ix_audit_organization_id_actor_id"),
        "audit",
        ["organization_id", "actor_id"],
        unique=False,
    )
    op.create_index(
        ("ix_audit_organization_id_at_ms_id"),
        "audit",
        ["organization_id", "at_ms", "id"],
        unique=False,
    )
    op.create_index(
        ("ix_audit_organization_id_target_id"),
        "audit",
        ["organization_id", "target_id"],
        unique=False,
    )
    return table


def _make_deployment() -> sa.Table:
    return op.create_table(
        "deployment",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("digest_kek_id", sa.Text(), nullable=True),
        sa.Column("digest_wrapped_dek", sa.LargeBinary(), nullable=True),
        sa.Column("digest_ciphertext", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=("pk_deployment")),
    )


def _make_api_keys() -> sa.Table:
    table = op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("principal_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("permissions", sa.Text(), nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=("fk_api_keys_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["principal_id"], ["principals.id"], name=("fk_api_keys_principal_id")
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_api_keys")),
        sa.UniqueConstraint("digest", name=("uq_api_keys_digest")),
    )
    op.create_index(
        ("ix_api_keys_organization_id_created_at_ms_id"),
        "api_keys",
        ["organization_id", "created_at_ms", "id"],
        unique=False,
    )
    return table


def _make_llms() -> sa.Table:
    table = op.create_table(
        "llms",
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("owner_id", sa.String(length=36), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("protocol", sa.Text(), nullable=False),
        sa.Column("endpoints", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("deployment_name", sa.Text(), nullable=True),
        sa.Column("api_version", sa.Text(), nullable=True),
        sa.Column("sampling", sa.Text(), nullable=False),
        sa.Column("reasoning_effort", sa.Text(), nullable=True),
        sa.Column("reasoning_format", sa.Text(), nullable=True),
        sa.Column("capabilities", sa.Text(), nullable=False),
        sa.Column("modalities", sa.Text(), nullable=False),
        sa.Column("max_context_length", sa.BigInteger(), nullable=True),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("client_config", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("monitoring_endpoint", sa.Text(), nullable=True),
        sa.Column("timeouts", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("credential_kind", sa.Text(), nullable=True),
        sa.Column("credential_header", sa.Text(), nullable=True),
        sa.Column("credential_prefix", sa.Text(), nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("zero_data_retention", sa.Boolean(), nullable=False),
        sa.Column("connection_key", sa.LargeBinary(), nullable=True),
        sa.Column("exclusive_key", sa.LargeBinary(), nullable=True),
        sa.Column("exclusive_name", sa.Text(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=36), nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("updated_by", sa.String(length=36), nullable=True),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.UniqueConstraint(
            "organization_id", "exclusive_name", name=("uq_llms_organization_id_exclusive_name")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=("fk_llms_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=("pk_llms")),
        sa.UniqueConstraint("exclusive_key", name=("uq_llms_exclusive_key")),
    )
    op.create_index(
        ("ix_llms_organization_id_connection_key"),
        "llms",
        ["organization_id", "connection_key"],
        unique=False,
    )
    op.create_index(
        ("ix_llms_organization_id_created_at_ms_id"),
        "llms",
        ["organization_id", "created_at_ms", "id"],
        unique=False,
    )
    op.create_index(
        ("ix_llms_organization_id_display_name"),
        "llms",
        ["organization_id", "display_name"],
        unique=False,
    )
    op.create_index(
        ("ix_llms_organization_id_model"), "llms", ["organization_id", "model"], unique=False
    )
    op.create_index(
        ("ix_llms_organization_id_owner_id"), "llms", ["organization_id", "owner_id"], unique=False
    )
    op.create_index(
        ("ix_llms_organization_id_protocol"), "llms", ["organization_id", "protocol"], unique=False
    )
    op.create_index(
        ("ix_llms_organization_id_provider"), "llms", ["organization_id", "provider"], unique=False
    )
    return table


def _make_llm_labels() -> sa.Table:
    table = op.create_table(
        "llm_labels",
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("llm_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "llm_id"],
            ["llms.organization_id", "llms.id"],
            name=("fk_llm_labels_organization_id_llm_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "llm_id", "key", name=("pk_llm_labels")),
    )
    op.create_index(
        ("ix_llm_labels_organization_id_key_value"),
        "llm_labels",
        ["organization_id", "key", "value"],
        unique=False,
    )
    return table


def _make_llm_secrets() -> sa.Table:
    table = op.create_table(
        "llm_secrets",
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("llm_id", sa.String(length=36), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("kek_id", sa.Text(), nullable=False),
        sa.Column("wrapped_dek", sa.LargeBinary(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "llm_id"],
            ["llms.organization_id", "llms.id"],
            name=("fk_llm_secrets_organization_id_llm_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "llm_id", "field", name=("pk_llm_secrets")),
    )
    op.create_index(("ix_llm_secrets_kek_id"), "llm_secrets", ["kek_id"], unique=False)
    return table
