"""A period is given when it is paid, and is another than one that began on the same day."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None
oldest = "0003"
"""The oldest schema whose code may run on this one."""


def upgrade() -> None:
    for name in ("given_start", "apart_start"):
        column: sa.Column[float] = sa.Column(name, sa.Double(), nullable=True)
        op.add_column("staging_subscriptions", column)
