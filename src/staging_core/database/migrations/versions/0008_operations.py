"""The audit log, settings that change at run time, and what models are configured with."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
oldest = "0003"
"""The oldest schema whose code may run on this one."""

_LISTS = {
    "page": ("created_at", "id"),
    "account": ("account_id", "created_at", "id"),
    "action": ("action", "created_at", "id"),
    "actor": ("actor", "created_at", "id"),
    "target": ("target", "created_at", "id"),
}
_JOBS = (
    ("ended", ("finished_at",), "finished_at IS NOT NULL"),
    ("dead", ("state", "created_at", "id"), "state = 'error'"),
    ("cancelled", ("state", "created_at", "id"), "state = 'cancelled'"),
)


def upgrade() -> None:
    json = sa.JSON().with_variant(JSONB(), "postgresql")
    op.add_column("staging_images", sa.Column("configured", json, nullable=True))
    op.add_column("staging_accounts", sa.Column("closing_at", sa.Double(), nullable=True))
    _index("staging_accounts", "closing", ("closing_at",), "closing_at IS NOT NULL")
    op.create_table(
        "staging_audit_log",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=255), nullable=True),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=False),
        sa.Column("actor_account_id", sa.String(length=255), nullable=True),
        sa.Column("target", sa.String(length=512), server_default="", nullable=False),
        sa.Column("before", json, nullable=True),
        sa.Column("after", json, nullable=True),
        sa.Column("request_id", sa.String(length=128), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_staging_audit_log"),
    )
    for name, columns in _LISTS.items():
        op.create_index(f"ix_staging_audit_log_{name}", "staging_audit_log", list(columns))
    op.create_table(
        "staging_runtime_settings",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("value", json, nullable=False),
        sa.Column("updated_by", sa.String(length=255), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_staging_runtime_settings"),
    )
    op.create_table(
        "staging_measures",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", json, nullable=False),
        sa.Column("measured_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_staging_measures"),
    )
    op.create_index("ix_staging_jobs_newest", "staging_jobs", ["created_at", "id"])
    for name, columns, rows in _JOBS:
        _index("staging_jobs", name, columns, rows)
    op.create_table(
        "staging_model_configs",
        sa.Column("model", sa.String(length=255), nullable=False),
        sa.Column("options", json, nullable=False),
        sa.Column("secrets", json, nullable=False),
        sa.Column("updated_by", sa.String(length=255), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("model", name="pk_staging_model_configs"),
    )


def _index(table: str, name: str, columns: tuple[str, ...], rows: str) -> None:
    where = sa.text(rows)
    name = f"ix_{table}_{name}"
    op.create_index(name, table, list(columns), sqlite_where=where, postgresql_where=where)
