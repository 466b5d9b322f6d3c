"""Balances, the ledger and subscriptions; what a job holds, and in which period it counts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None
oldest = "0003"
"""The oldest schema whose code may run on this one."""

_ACCOUNT = ("staging_accounts.id",)


def upgrade() -> None:
    json = sa.JSON().with_variant(JSONB(), "postgresql")
    op.create_table(
        "staging_balances",
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("granted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("available", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reserved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=True),
        sa.CheckConstraint("available >= 0", name=op.f("ck_staging_balances_available")),
        sa.CheckConstraint("reserved >= 0", name=op.f("ck_staging_balances_reserved")),
        sa.ForeignKeyConstraint(
            ["account_id"], _ACCOUNT, name=op.f("fk_staging_balances_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "name", name=op.f("pk_staging_balances")),
    )
    expiring = sa.text("available > 0 AND expires_at IS NOT NULL")
    op.create_index(
        "ix_staging_balances_expiring",
        "staging_balances",
        ["expires_at"],
        sqlite_where=expiring,
        postgresql_where=expiring,
    )
    op.create_table(
        "staging_ledger",
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("balance", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("from_book", sa.String(length=16), nullable=False),
        sa.Column("to_book", sa.String(length=16), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.String(length=64), nullable=True),
        sa.Column("note", json, nullable=True),
        sa.Column("at", sa.Double(), nullable=False),
        sa.CheckConstraint("images > 0", name=op.f("ck_staging_ledger_images")),
        sa.CheckConstraint("from_book <> to_book", name=op.f("ck_staging_ledger_books")),
        sa.ForeignKeyConstraint(
            ["account_id"], _ACCOUNT, name=op.f("fk_staging_ledger_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_staging_ledger")),
    )
    op.create_index("ix_staging_ledger_page", "staging_ledger", ["account_id", "at", "id"])
    of_job = sa.text("job_id IS NOT NULL")
    op.create_index(
        "ix_staging_ledger_job_id",
        "staging_ledger",
        ["job_id"],
        sqlite_where=of_job,
        postgresql_where=of_job,
    )
    op.create_table(
        "staging_subscriptions",
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("plan", sa.String(length=64), nullable=False),
        sa.Column("price_id", sa.String(length=255), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("period_start", sa.Double(), nullable=True),
        sa.Column("period_end", sa.Double(), nullable=True),
        sa.Column("cancel_at", sa.Double(), nullable=True),
        sa.Column("canceled_at", sa.Double(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], _ACCOUNT, name=op.f("fk_staging_subscriptions_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staging_subscriptions")),
    )
    op.create_index(
        "ix_staging_subscriptions_page", "staging_subscriptions", ["account_id", "created_at", "id"]
    )
    op.add_column("staging_jobs", sa.Column("reserved_in", sa.String(length=64), nullable=True))
    op.add_column("staging_jobs", sa.Column("settled_at", sa.Double(), nullable=True))
    op.add_column("staging_jobs", sa.Column("usage_period", sa.String(length=10), nullable=True))
    unsettled = sa.text(
        "reserved_in IS NOT NULL AND settled_at IS NULL AND finished_at IS NOT NULL"
    )
    op.create_index(
        "ix_staging_jobs_unsettled",
        "staging_jobs",
        ["finished_at"],
        sqlite_where=unsettled,
        postgresql_where=unsettled,
    )
    with op.batch_alter_table("staging_usage") as usage:
        usage.alter_column("month", type_=sa.String(length=10), existing_type=sa.String(length=7))
