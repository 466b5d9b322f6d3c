"""What operators choose, and what was done that somebody may ask about later."""

from __future__ import annotations

import sqlalchemy as sa

from .base import Json, id_column, metadata, time_column

audit_log = sa.Table(
    "staging_audit_log",
    metadata,
    # Rows are added and, when their time is over, dropped; none is ever changed.
    id_column(primary_key=True),
    # Whose thing it was; unset for what concerns the whole installation. No key of another table:
    # the entry outlives its account.
    sa.Column("account_id", sa.String(255)),
    sa.Column("action", sa.String(64), nullable=False),
    sa.Column("actor", sa.String(255), nullable=False),
    sa.Column("actor_account_id", sa.String(255)),
    sa.Column("target", sa.String(512), nullable=False, server_default=""),
    sa.Column("before", Json),
    sa.Column("after", Json),
    sa.Column("request_id", sa.String(128)),
    time_column("created_at"),
    sa.Index("ix_staging_audit_log_page", "created_at", "id"),
    sa.Index("ix_staging_audit_log_account", "account_id", "created_at", "id"),
    sa.Index("ix_staging_audit_log_action", "action", "created_at", "id"),
    sa.Index("ix_staging_audit_log_actor", "actor", "created_at", "id"),
    sa.Index("ix_staging_audit_log_target", "target", "created_at", "id"),
)

runtime_settings = sa.Table(
    "staging_runtime_settings",
    metadata,
    # Only what was chosen: what has no row is as the process's own settings say.
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("value", Json, nullable=False),
    sa.Column("updated_by", sa.String(255), nullable=False),
    time_column("updated_at"),
)

measures = sa.Table(
    "staging_measures",
    metadata,
    # What takes long to find out, as it was when somebody last did.
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("value", Json, nullable=False),
    time_column("measured_at"),
)

model_configs = sa.Table(
    "staging_model_configs",
    metadata,
    sa.Column("model", sa.String(255), primary_key=True),
    sa.Column("options", Json, nullable=False),
    # By name, each sealed with the key of the setting ``secrets_key``.
    sa.Column("secrets", Json, nullable=False),
    sa.Column("updated_by", sa.String(255), nullable=False),
    time_column("updated_at"),
)
