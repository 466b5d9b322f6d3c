"""Models that answer later: handles, unknown outcomes, the inbox and the gates."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("model", sa.String(length=255), server_default="", nullable=False),
        sa.Column("version", sa.String(length=64), server_default="", nullable=False),
        sa.Column("unknown_at", sa.Double(), nullable=True),
        sa.Column("look_at", sa.Double(), nullable=True),
        sa.Column("fetches", sa.Integer(), server_default="0", nullable=False),
    ):
        op.add_column("staging_attempts", column)
    op.create_index("ix_staging_attempts_handle", "staging_attempts", ["handle"])
    op.create_index("ix_staging_attempts_look_at", "staging_attempts", ["look_at"])
    op.create_index("ix_staging_jobs_model", "staging_jobs", ["model", "state"])
    op.create_table(
        "staging_inbox",
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.Column("event_id", sa.String(length=200), nullable=False),
        sa.Column("handle", sa.String(length=200), nullable=False),
        sa.Column("attempt_id", sa.String(length=64), nullable=True),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("read_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("source", "event_id", name="pk_staging_inbox"),
    )
    op.create_index("ix_staging_inbox_read_at", "staging_inbox", ["read_at", "received_at"])
    op.create_table(
        "staging_gates",
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("tokens", sa.Double(), server_default="0", nullable=False),
        sa.Column("filled_at", sa.Double(), server_default="0", nullable=False),
        sa.Column("closed_until", sa.Double(), server_default="0", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_staging_gates"),
    )
