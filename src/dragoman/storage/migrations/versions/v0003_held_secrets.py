"""Secrets that the operator holds: how an LLM names one, and who may use it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.add_column("llms", sa.Column("credential_generation", sa.BigInteger))
    op.add_column("llms", sa.Column("credential_held", sa.Text))
    op.add_column("llms", sa.Column("credential_labels", sa.Text))
    op.create_table(
        "grants",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("organization_id", sa.String(36), nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("origins", sa.Text, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_grants"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_grants_organization_id"
        ),
    )
    op.create_index("ix_grants_organization_id", "grants", ["organization_id"])
