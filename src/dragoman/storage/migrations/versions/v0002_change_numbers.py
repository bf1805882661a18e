"""Each change of the registry has a number, and the installation knows the newest."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER_ROWS = """
UPDATE audit SET revision = (
    SELECT COUNT(*) FROM audit AS earlier
    WHERE earlier.at_ms < audit.at_ms OR (earlier.at_ms = audit.at_ms AND earlier.id <= audit.id)
)
"""
NEWEST = "UPDATE deployment SET revision = (SELECT COUNT(*) FROM audit)"


def upgrade() -> None:
    """Apply this step."""
    for table in ("audit", "deployment"):
        op.add_column(table, sa.Column("revision", sa.BigInteger(), nullable=True))
    op.execute(NUMBER_ROWS)
    op.execute(NEWEST)
    with op.batch_alter_table("audit") as batch:
        batch.alter_column("revision", existing_type=sa.BigInteger(), nullable=False)
        batch.create_unique_constraint("uq_audit_revision", ["revision"])
    with op.batch_alter_table("deployment") as batch:
        batch.alter_column("revision", existing_type=sa.BigInteger(), nullable=False)
