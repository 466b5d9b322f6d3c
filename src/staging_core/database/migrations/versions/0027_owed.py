"""Credits that are held while their money goes back are taken when they are released."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None
oldest = "0003"
"""The oldest schema whose code may run on this one."""


def upgrade() -> None:
    for name in ("owed", "owed_taken"):
        column: sa.Column[int] = sa.Column(name, sa.Integer(), server_default="0", nullable=False)
        op.add_column("staging_balances", column)
