"""The trace that a job's submission was part of."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
oldest = "0003"
"""The oldest schema whose code may run on this one."""


def upgrade() -> None:
    op.add_column("staging_jobs", sa.Column("trace", sa.String(length=64), nullable=True))
