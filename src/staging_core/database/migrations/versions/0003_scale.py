"""Counters of each account's jobs, indexes for claims, and which older code may use the schema."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
oldest = "0003"
"""The oldest schema whose code may run on this one."""

_ACTIVE = "('preparing', 'submitted', 'waiting', 'fetching', 'staging', 'finalizing')"


def upgrade() -> None:
    op.add_column("staging_schema", sa.Column("oldest", sa.String(length=32), nullable=True))
    for name in ("queued", "in_flight"):
        column = sa.Column(name, sa.Integer(), server_default="0", nullable=False)
        op.add_column("staging_accounts", column)
    served_at: sa.Column[float] = sa.Column(
        "served_at", sa.Double(), server_default="0", nullable=False
    )
    op.add_column("staging_accounts", served_at)
    for name, states in (("queued", "('queued')"), ("in_flight", _ACTIVE)):
        op.execute(
            f"UPDATE staging_accounts SET {name} = (SELECT count(*) FROM staging_jobs"  # noqa: S608
            f" WHERE account_id = staging_accounts.id AND state IN {states})"
        )
    op.create_index(
        "ix_staging_accounts_queue",
        "staging_accounts",
        ["in_flight", "served_at"],
        postgresql_where=sa.text("queued > 0"),
        sqlite_where=sa.text("queued > 0"),
    )
    op.drop_index("ix_staging_jobs_model", "staging_jobs")
    op.create_index("ix_staging_jobs_model", "staging_jobs", ["model", "state", "due_at"])
    op.create_index(
        "ix_staging_jobs_queue", "staging_jobs", ["account_id", "model", "state", "due_at"]
    )
    op.create_index("ix_staging_jobs_held", "staging_jobs", ["model", "state", "lease_until"])
