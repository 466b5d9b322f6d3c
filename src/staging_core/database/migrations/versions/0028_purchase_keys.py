"""A purchase may be asked for under another key than its id."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None
oldest = "0003"
"""The oldest schema whose code may run on this one."""


def upgrade() -> None:
    key: sa.Column[str] = sa.Column("key", sa.String(length=64), nullable=True)
    op.add_column("staging_purchases", key)
