"""What plugins are told of money, and how far each of them has seen it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0017"
down_revision = "0014"
branch_labels = None
depends_on = None
oldest = "0003"
"""The oldest schema whose code may run on this one."""


def upgrade() -> None:
    json = sa.JSON().with_variant(JSONB(), "postgresql")
    op.create_table(
        "staging_billing_events",
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("data", json, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["staging_accounts.id"],
            name=op.f("fk_staging_billing_events_account_id"),
        ),
        sa.PrimaryKeyConstraint("account_id", "position", name=op.f("pk_staging_billing_events")),
    )
    for table in ("staging_accounts", "staging_observers"):
        op.add_column(
            table,
            sa.Column("billing_position", sa.BigInteger(), server_default="0", nullable=False),
        )
    op.add_column(
        "staging_observers",
        sa.Column("billing_due_at", sa.Double(), server_default="0", nullable=False),
    )
