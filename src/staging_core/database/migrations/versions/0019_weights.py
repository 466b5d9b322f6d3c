"""Accounts take turns by the weight of their plan."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None
oldest = "0003"
"""The oldest schema whose code may run on this one."""


def upgrade() -> None:
    weight: sa.Column[int] = sa.Column("weight", sa.Integer(), server_default="1", nullable=False)
    load: sa.Column[float] = sa.Column("load", sa.Double(), server_default="0", nullable=False)
    op.add_column("staging_accounts", weight)
    op.add_column("staging_accounts", load)
    op.execute("UPDATE staging_accounts SET load = in_flight WHERE in_flight > 0")
    waiting = sa.text("queued > 0")
    op.create_index(
        "ix_staging_accounts_turn",
        "staging_accounts",
        ["load", "served_at"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.drop_index("ix_staging_accounts_queue", "staging_accounts")
