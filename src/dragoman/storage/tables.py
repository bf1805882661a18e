"""The tables, as migrations see them.

SQLAlchemy describes and migrates the schema; a running server does not import it (its
repositories hold their SQL as text), because importing it costs more than the rest of a start.
Types are those that every engine has: texts, integers, floats, bytes; JSON as text; times as
milliseconds since 1970.
"""

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = sa.String(36)

# One row: this installation. Its id is bound into every ciphertext; its revision is the newest
# change's number.
deployment = sa.Table(
    "deployment",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("digest_kek_id", sa.Text),
    sa.Column("digest_wrapped_dek", sa.LargeBinary),
    sa.Column("digest_ciphertext", sa.LargeBinary),
)

organizations = sa.Table(
    "organizations",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
)

principals = sa.Table(
    "principals",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("organization_id", Id, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    sa.Index(None, "organization_id", "created_at_ms", "id"),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("organization_id", Id, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("principal_id", Id, sa.ForeignKey("principals.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("permissions", sa.Text),
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    sa.Column("expires_at_ms", sa.BigInteger),
    sa.Column("revoked_at_ms", sa.BigInteger),
    sa.Index(None, "organization_id", "created_at_ms", "id"),
)

llms = sa.Table(
    "llms",
    metadata,
    sa.Column("organization_id", Id, sa.ForeignKey("organizations.id"), primary_key=True),
    sa.Column("id", Id, primary_key=True),
    sa.Column("owner_id", Id, nullable=False),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("provider", sa.Text),
    sa.Column("protocol", sa.Text, nullable=False),
    sa.Column("endpoints", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("deployment_name", sa.Text),
    sa.Column("api_version", sa.Text),
    sa.Column("sampling", sa.Text, nullable=False),
    sa.Column("reasoning_effort", sa.Text),
    sa.Column("reasoning_format", sa.Text),
    sa.Column("capabilities", sa.Text, nullable=False),
    sa.Column("modalities", sa.Text, nullable=False),
    sa.Column("max_context_length", sa.BigInteger),
    sa.Column("labels", sa.Text, nullable=False),
    sa.Column("tags", sa.Text, nullable=False),
    sa.Column("metadata", sa.Text, nullable=False),
    sa.Column("client_config", sa.Text, nullable=False),
    sa.Column("version", sa.Text),
    sa.Column("monitoring_endpoint", sa.Text),
    sa.Column("timeouts", sa.Text, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("credential_kind", sa.Text),
    sa.Column("credential_header", sa.Text),
    sa.Column("credential_prefix", sa.Text),
    sa.Column("is_default", sa.Boolean, nullable=False),
    sa.Column("zero_data_retention", sa.Boolean, nullable=False),
    sa.Column("connection_key", sa.LargeBinary),
    sa.Column("exclusive_key", sa.LargeBinary, unique=True),
    sa.Column("exclusive_name", sa.Text),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    sa.Column("created_by", Id, nullable=False),
    sa.Column("updated_at_ms", sa.BigInteger),
    sa.Column("updated_by", Id),
    sa.Column("search_text", sa.Text, nullable=False),
    sa.Column("credential_generation", sa.BigInteger),
    sa.Column("credential_held", sa.Text),
    sa.Column("credential_labels", sa.Text),
    sa.UniqueConstraint("organization_id", "exclusive_name"),
    sa.Index(None, "organization_id", "created_at_ms", "id"),
    sa.Index(None, "organization_id", "display_name"),
    sa.Index(None, "organization_id", "owner_id"),
    sa.Index(None, "organization_id", "provider"),
    sa.Index(None, "organization_id", "protocol"),
    sa.Index(None, "organization_id", "model"),
    sa.Index(None, "organization_id", "connection_key"),
)

# What is in llms.labels, to select by.
llm_labels = sa.Table(
    "llm_labels",
    metadata,
    sa.Column("organization_id", Id, primary_key=True),
    sa.Column("llm_id", Id, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.ForeignKeyConstraint(
        ["organization_id", "llm_id"], ["llms.organization_id", "llms.id"], ondelete="CASCADE"
    ),
    sa.Index(None, "organization_id", "key", "value"),
)

# Everything sealed: the credential, and the value of each extra header.
llm_secrets = sa.Table(
    "llm_secrets",
    metadata,
    sa.Column("organization_id", Id, primary_key=True),
    sa.Column("llm_id", Id, primary_key=True),
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("kek_id", sa.Text, nullable=False, index=True),
    sa.Column("wrapped_dek", sa.LargeBinary, nullable=False),
    sa.Column("ciphertext", sa.LargeBinary, nullable=False),
    sa.ForeignKeyConstraint(
        ["organization_id", "llm_id"], ["llms.organization_id", "llms.id"], ondelete="CASCADE"
    ),
)

# Which of the operator's secrets an organization may use, and where they may be sent.
grants = sa.Table(
    "grants",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("organization_id", Id, sa.ForeignKey("organizations.id"), nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("origins", sa.Text, nullable=False),
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    sa.Index(None, "organization_id"),
)

# Who did what. In the order of its numbers it is the change feed.
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False, unique=True),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("organization_id", Id, nullable=False),
    sa.Column("actor_id", Id, nullable=False),
    sa.Column("key_id", Id),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("target_id", Id, nullable=False),
    sa.Column("members", sa.Text, nullable=False),
    sa.Column("request_id", sa.Text),
    sa.Index(None, "organization_id", "at_ms", "id"),
    sa.Index(None, "organization_id", "actor_id"),
    sa.Index(None, "organization_id", "target_id"),
)
