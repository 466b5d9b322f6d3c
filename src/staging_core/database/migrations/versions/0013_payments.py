"""What accounts pay through a provider: customers, purchases, events, objects and prices."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None
oldest = "0003"
"""The oldest schema whose code may run on this one."""


def upgrade() -> None:
    json = sa.JSON().with_variant(JSONB(), "postgresql")
    op.create_table(
        "staging_customers",
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=True),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("features", json, nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("made_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name=op.f("fk_staging_customers_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "source", name=op.f("pk_staging_customers")),
    )
    op.create_index(
        "uq_staging_customers_customer_id",
        "staging_customers",
        ["source", "customer_id"],
        unique=True,
    )
    op.create_table(
        "staging_purchases",
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("deed", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("price_id", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("object_id", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name=op.f("fk_staging_purchases_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staging_purchases")),
    )
    op.create_index(
        "ix_staging_purchases_begun",
        "staging_purchases",
        ["updated_at"],
        sqlite_where=sa.text("state = 'begun'"),
        postgresql_where=sa.text("state = 'begun'"),
    )
    op.create_index(
        "ix_staging_purchases_page", "staging_purchases", ["account_id", "created_at", "id"]
    )
    op.create_table(
        "staging_payment_events",
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("event_id", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=True),
        sa.Column("object_id", sa.String(length=255), nullable=True),
        sa.Column("customer_id", sa.String(length=255), nullable=True),
        sa.Column("subject_id", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("read_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("source", "event_id", name=op.f("pk_staging_payment_events")),
    )
    op.create_index(
        "ix_staging_payment_events_object", "staging_payment_events", ["source", "object_id"]
    )
    op.create_index(
        "ix_staging_payment_events_unread", "staging_payment_events", ["read_at", "received_at"]
    )
    op.create_table(
        "staging_payment_objects",
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("object_id", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=True),
        sa.Column("told", sa.Integer(), server_default="0", nullable=False),
        sa.Column("seen", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.Double(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("lease_no", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", json, nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("looked_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("source", "object_id", name=op.f("pk_staging_payment_objects")),
    )
    op.create_index(
        "ix_staging_payment_objects_due",
        "staging_payment_objects",
        ["due_at"],
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_table(
        "staging_prices",
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("price_id", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("overage", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("source", "price_id", name=op.f("pk_staging_prices")),
    )
