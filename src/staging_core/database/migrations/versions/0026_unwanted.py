"""Purchases that nobody wants any more are looked for as those are whose outcome is unknown."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None
oldest = "0003"
"""The oldest schema whose code may run on this one."""


def upgrade() -> None:
    waiting = sa.text("state IN ('begun', 'unwanted')")
    op.create_index(
        "ix_staging_purchases_unsettled",
        "staging_purchases",
        ["updated_at"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.drop_index("ix_staging_purchases_begun", "staging_purchases")
