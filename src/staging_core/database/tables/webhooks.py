"""Outgoing webhooks: endpoints, what is to be delivered to them, and every try."""

from __future__ import annotations

import sqlalchemy as sa

from .base import Json, account_column, id_column, index, metadata, time_column

webhook_endpoints = sa.Table(
    "staging_webhook_endpoints",
    metadata,
    id_column(primary_key=True),
    account_column(),
    sa.Column("url", sa.Text(), nullable=False),
    sa.Column("description", sa.String(255), nullable=False, server_default=""),
    # Empty: everything.
    sa.Column("types", Json, nullable=False, server_default="[]"),
    # Sealed with the installation's key; the one before signs too until its time is over.
    sa.Column("secret", sa.Text(), nullable=False, info={"secret": True}),
    sa.Column("previous_secret", sa.Text(), info={"secret": True}),
    sa.Column("previous_secret_until", sa.Double()),
    time_column("disabled_at", nullable=True),
    sa.Column("disabled_reason", sa.String(16)),
    time_column("failing_since", nullable=True),
    # Its lane: one worker at a time sends to it.
    sa.Column("fence", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("lease_until", sa.Double(), nullable=False, server_default="0"),
    sa.Column("served_at", sa.Double(), nullable=False, server_default="0"),
    time_column("created_at"),
    time_column("updated_at"),
    index("ix_staging_webhook_endpoints_page", "account_id", "created_at", "id"),
    index("ix_staging_webhook_endpoints_turn", "served_at", only="disabled_at IS NULL"),
)

webhook_deliveries = sa.Table(
    "staging_webhook_deliveries",
    metadata,
    id_column(primary_key=True),
    account_column(),
    id_column("endpoint_id"),
    sa.Column("type", sa.String(64), nullable=False),
    # The bytes that are signed and sent, the same at every try.
    sa.Column("payload", sa.Text(), nullable=False),
    sa.Column("image_id", sa.String(64)),
    sa.Column("state", sa.String(16), nullable=False, server_default="pending"),
    # Tries of its schedule that failed, which begins anew when it is delivered again; all tries.
    sa.Column("failures", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
    # When the schedule's first try failed.
    sa.Column("failed_since", sa.Double()),
    # Set exactly while it is pending.
    sa.Column("due_at", sa.Double()),
    time_column("created_at"),
    time_column("finished_at", nullable=True),
    sa.ForeignKeyConstraint(["endpoint_id"], ["staging_webhook_endpoints.id"]),
    index("ix_staging_webhook_deliveries_page", "endpoint_id", "created_at", "id"),
    index("ix_staging_webhook_deliveries_lane", "endpoint_id", "due_at", only="due_at IS NOT NULL"),
    index("ix_staging_webhook_deliveries_due", "due_at", only="due_at IS NOT NULL"),
    index("ix_staging_webhook_deliveries_age", "created_at"),
)

webhook_attempts = sa.Table(
    "staging_webhook_attempts",
    metadata,
    id_column("delivery_id", primary_key=True),
    sa.Column("number", sa.Integer(), primary_key=True),
    account_column(),
    time_column("at"),
    sa.Column("latency_ms", sa.Double(), nullable=False),
    sa.Column("status", sa.Integer()),
    sa.Column("error", sa.Text()),
    sa.Column("excerpt", sa.Text(), nullable=False, server_default=""),
    sa.ForeignKeyConstraint(["delivery_id"], ["staging_webhook_deliveries.id"]),
)
