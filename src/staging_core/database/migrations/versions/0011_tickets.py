"""What a ticket's maker had signed in with: it opens nothing when that does not."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None
oldest = "0003"
"""The oldest schema whose code may run on this one."""


def upgrade() -> None:
    op.add_column("staging_tickets", sa.Column("key_id", sa.String(length=64), nullable=True))
    op.add_column("staging_tickets", sa.Column("sign_in_expires_at", sa.Double(), nullable=True))
