"""Outgoing webhooks: endpoints, deliveries and their tries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
oldest = "0003"
"""The oldest schema whose code may run on this one."""


def upgrade() -> None:
    json = sa.JSON().with_variant(JSONB(), "postgresql")
    op.add_column(
        "staging_accounts",
        sa.Column("webhook_endpoints", sa.Integer(), server_default="0", nullable=False),
    )
    op.create_table(
        "staging_webhook_endpoints",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.String(length=255), server_default="", nullable=False),
        sa.Column("types", json, server_default="[]", nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("previous_secret", sa.Text(), nullable=True),
        sa.Column("previous_secret_until", sa.Double(), nullable=True),
        sa.Column("disabled_at", sa.Double(), nullable=True),
        sa.Column("disabled_reason", sa.String(length=16), nullable=True),
        sa.Column("failing_since", sa.Double(), nullable=True),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.Double(), server_default="0", nullable=False),
        sa.Column("served_at", sa.Double(), server_default="0", nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name="fk_staging_webhook_endpoints_account_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_staging_webhook_endpoints"),
    )
    op.create_index(
        "ix_staging_webhook_endpoints_page",
        "staging_webhook_endpoints",
        ["account_id", "created_at", "id"],
    )
    _index("endpoints_turn", ["served_at"], only="disabled_at IS NULL")
    op.create_table(
        "staging_webhook_deliveries",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("endpoint_id", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("image_id", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=16), server_default="pending", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed_since", sa.Double(), nullable=True),
        sa.Column("due_at", sa.Double(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name="fk_staging_webhook_deliveries_account_id"
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["staging_webhook_endpoints.id"],
            name="fk_staging_webhook_deliveries_endpoint_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_staging_webhook_deliveries"),
    )
    op.create_index(
        "ix_staging_webhook_deliveries_page",
        "staging_webhook_deliveries",
        ["endpoint_id", "created_at", "id"],
    )
    _index("deliveries_lane", ["endpoint_id", "due_at"], only="due_at IS NOT NULL")
    _index("deliveries_due", ["due_at"], only="due_at IS NOT NULL")
    op.create_index(
        "ix_staging_webhook_deliveries_age", "staging_webhook_deliveries", ["created_at"]
    )
    op.create_table(
        "staging_webhook_attempts",
        sa.Column("delivery_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("excerpt", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name="fk_staging_webhook_attempts_account_id"
        ),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["staging_webhook_deliveries.id"],
            name="fk_staging_webhook_attempts_delivery_id",
        ),
        sa.PrimaryKeyConstraint("delivery_id", "number", name="pk_staging_webhook_attempts"),
    )


def _index(name: str, columns: list[str], *, only: str) -> None:
    where = sa.text(only)
    op.create_index(
        f"ix_staging_webhook_{name}",
        f"staging_webhook_{name.partition('_')[0]}",
        columns,
        sqlite_where=where,
        postgresql_where=where,
    )
