"""What attempts take of the caps on provider cost is counted by day."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0019"
branch_labels = None
depends_on = None
oldest = "0003"
"""The oldest schema whose code may run on this one."""


def upgrade() -> None:
    op.create_table(
        "staging_spend",
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("spent", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name=op.f("fk_staging_spend_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "day", "project_id", name=op.f("pk_staging_spend")),
    )
    op.create_index("ix_staging_spend_day", "staging_spend", ["day"])
    op.create_table(
        "staging_spend_days",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("spent", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_staging_spend_days")),
    )
    op.add_column(
        "staging_attempts",
        sa.Column("spent", sa.BigInteger(), server_default="0", nullable=False),
    )
    op.add_column("staging_attempts", sa.Column("spent_on", sa.Integer(), nullable=True))
    op.add_column("staging_attempts", sa.Column("spent_in", sa.String(length=64), nullable=True))
