"""Turns go by weight however few jobs are at work at a time."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0021"
branch_labels = None
depends_on = None
oldest = "0003"
"""The oldest schema whose code may run on this one."""


def upgrade() -> None:
    turn: sa.Column[int] = sa.Column("turn", sa.BigInteger(), server_default="0", nullable=False)
    op.add_column("staging_accounts", turn)
    waiting = sa.text("queued > 0")
    op.create_index(
        "ix_staging_accounts_next",
        "staging_accounts",
        ["turn", "id"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.drop_index("ix_staging_accounts_turn", "staging_accounts")
