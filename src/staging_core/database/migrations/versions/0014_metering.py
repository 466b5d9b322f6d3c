"""What is charged beyond plans is told to a payment provider, a minute at a time."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None
oldest = "0003"
"""The oldest schema whose code may run on this one."""

_OVERAGE = "kind = 'capture' AND balance LIKE 'overage/%'"


def upgrade() -> None:
    op.create_table(
        "staging_metering",
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("part", sa.Integer(), server_default="0", nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("asked_at", sa.Double(), nullable=True),
        sa.Column("told_at", sa.Double(), nullable=True),
        sa.Column("due_at", sa.Double(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("images > 0", name="ck_staging_metering_images"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name=op.f("fk_staging_metering_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "minute", "part", name=op.f("pk_staging_metering")),
    )
    op.create_index(
        "ix_staging_metering_due",
        "staging_metering",
        ["due_at"],
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_staging_ledger_overage",
        "staging_ledger",
        ["at"],
        sqlite_where=sa.text(_OVERAGE),
        postgresql_where=sa.text(_OVERAGE),
    )
