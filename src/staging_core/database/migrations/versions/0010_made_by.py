"""Which key an API key was made with: it goes when that one goes."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None
oldest = "0003"
"""The oldest schema whose code may run on this one."""


def upgrade() -> None:
    op.add_column("staging_api_keys", sa.Column("made_by", sa.String(length=64), nullable=True))
    op.create_index("ix_staging_api_keys_made_by", "staging_api_keys", ["account_id", "made_by"])
