"""Users, their API keys, and tickets for event streams."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
oldest = "0003"
"""The oldest schema whose code may run on this one."""


def upgrade() -> None:
    json = sa.JSON().with_variant(JSONB(), "postgresql")
    op.create_table(
        "staging_users",
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("issuer", sa.String(length=512), nullable=True),
        sa.Column("subject", sa.String(length=255), nullable=True),
        sa.Column("role", sa.String(length=16), server_default="member", nullable=False),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("full_name", sa.String(length=255), nullable=True),
        sa.Column("issuer_email", sa.String(length=320), nullable=True),
        sa.Column("issuer_name", sa.String(length=255), nullable=True),
        sa.Column("company_name", sa.String(length=255), nullable=True),
        sa.Column("phone", sa.String(length=64), nullable=True),
        sa.Column("billing_address", json, nullable=True),
        sa.Column("profile_photo_url", sa.String(length=2048), nullable=True),
        sa.Column("preferences", json, server_default="{}", nullable=False),
        sa.Column("stripe_customer_id", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.Column("last_seen_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name="fk_staging_users_account_id"
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name="pk_staging_users"),
        sa.UniqueConstraint(
            "issuer", "subject", "account_id", name="uq_staging_users_issuer_subject_account_id"
        ),
    )
    op.create_index("ix_staging_users_id", "staging_users", ["id"])
    op.create_index("ix_staging_users_page", "staging_users", ["created_at", "id"])
    op.create_table(
        "staging_api_keys",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("prefix", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("scopes", json, nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=True),
        sa.Column("revoked_at", sa.Double(), nullable=True),
        sa.Column("last_used_at", sa.Double(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name="fk_staging_api_keys_account_id"
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["staging_users.account_id", "staging_users.id"],
            name="fk_staging_api_keys_account_id_user_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_staging_api_keys"),
        sa.UniqueConstraint("digest", name="uq_staging_api_keys_digest"),
    )
    op.create_index(
        "ix_staging_api_keys_page", "staging_api_keys", ["account_id", "created_at", "id"]
    )
    op.create_table(
        "staging_tickets",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.String(length=255), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name="fk_staging_tickets_account_id"
        ),
        sa.PrimaryKeyConstraint("digest", name="pk_staging_tickets"),
    )
    op.create_index("ix_staging_tickets_expires_at", "staging_tickets", ["expires_at"])
