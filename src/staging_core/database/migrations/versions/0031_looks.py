"""How often a prediction was looked for that was given up."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None
oldest = "0003"
"""The oldest schema whose code may run on this one."""


def upgrade() -> None:
    looks = sa.Column("looks", sa.Integer(), nullable=False, server_default="0")
    op.add_column("staging_attempts", looks)
