"""Which subscriptions charge what is beyond their plan, and when that was had."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None
oldest = "0003"
"""The oldest schema whose code may run on this one."""


def upgrade() -> None:
    for column in (
        sa.Column("overage_price_id", sa.String(length=255), nullable=True),
        sa.Column("overage_cents", sa.Integer(), nullable=True),
        sa.Column("metered_at", sa.Double(), nullable=True),
    ):
        op.add_column("staging_subscriptions", column)
    op.add_column("staging_metering", sa.Column("had_at", sa.Double(), nullable=True))
