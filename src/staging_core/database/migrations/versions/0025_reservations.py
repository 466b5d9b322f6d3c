"""What a credit service outside holds for jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0023"
branch_labels = None
depends_on = None
oldest = "0003"
"""The oldest schema whose code may run on this one."""


def upgrade() -> None:
    op.create_table(
        "staging_reservations",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("settled_at", sa.Double(), nullable=True),
        sa.Column("told_at", sa.Double(), nullable=True),
        sa.Column("due_at", sa.Double(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name=op.f("fk_staging_reservations_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staging_reservations")),
    )
    for name, column, only in (
        ("ix_staging_reservations_due", "due_at", "due_at IS NOT NULL"),
        ("ix_staging_reservations_untold", "account_id", "told_at IS NULL"),
    ):
        where = sa.text(only)
        op.create_index(
            name, "staging_reservations", [column], sqlite_where=where, postgresql_where=where
        )
    op.add_column("staging_jobs", sa.Column("reservation_id", sa.String(length=64), nullable=True))
    unsettled = sa.text(
        "reservation_id IS NOT NULL AND settled_at IS NULL AND finished_at IS NOT NULL"
    )
    op.create_index(
        "ix_staging_jobs_unsettled_outside",
        "staging_jobs",
        ["finished_at"],
        sqlite_where=unsettled,
        postgresql_where=unsettled,
    )
