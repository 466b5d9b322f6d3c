"""The first schema: accounts, originals, files, groups, images, jobs, attempts, events."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "staging_accounts",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_staging_accounts"),
    )
    op.create_table(
        "staging_leases",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("lease_until", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_staging_leases"),
    )
    op.create_table(
        "staging_events",
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.String(length=64), nullable=False),
        sa.Column("image_id", sa.String(length=64), nullable=False),
        sa.Column("group_id", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("data", _JSON, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name="fk_staging_events_account_id"
        ),
        sa.PrimaryKeyConstraint("account_id", "position", name="pk_staging_events"),
        sa.UniqueConstraint("job_id", "seq", name="uq_staging_events_job_id_seq"),
    )
    op.create_index(
        "ix_staging_events_group_id", "staging_events", ["group_id", "position"], unique=False
    )
    op.create_table(
        "staging_files",
        sa.Column("key", sa.String(length=512), nullable=False),
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("job_id", sa.String(length=64), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("etag", sa.String(length=255), nullable=True),
        sa.Column("expires_at", sa.Double(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name="fk_staging_files_account_id"
        ),
        sa.PrimaryKeyConstraint("key", name="pk_staging_files"),
    )
    op.create_index("ix_staging_files_expires_at", "staging_files", ["expires_at"], unique=False)
    op.create_index("ix_staging_files_job_id", "staging_files", ["job_id"], unique=False)
    op.create_table(
        "staging_observers",
        sa.Column("plugin", sa.String(length=255), nullable=False),
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.Double(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name="fk_staging_observers_account_id"
        ),
        sa.PrimaryKeyConstraint("plugin", "account_id", name="pk_staging_observers"),
    )
    op.create_table(
        "staging_originals",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=512), nullable=False),
        sa.Column("working_key", sa.String(length=512), nullable=False),
        sa.Column("content_type", sa.String(length=64), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("focal_px", sa.Double(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name="fk_staging_originals_account_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_staging_originals"),
        sa.UniqueConstraint("account_id", "sha256", name="uq_staging_originals_account_id_sha256"),
    )
    op.create_table(
        "staging_outbox",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("payload", _JSON, nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name="fk_staging_outbox_account_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_staging_outbox"),
    )
    op.create_index("ix_staging_outbox_due_at", "staging_outbox", ["due_at"], unique=False)
    op.create_table(
        "staging_groups",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("original_id", sa.String(length=64), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("quote", _JSON, nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name="fk_staging_groups_account_id"
        ),
        sa.ForeignKeyConstraint(
            ["original_id"], ["staging_originals.id"], name="fk_staging_groups_original_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_staging_groups"),
        sa.UniqueConstraint(
            "account_id", "idempotency_key", name="uq_staging_groups_account_id_idempotency_key"
        ),
    )
    op.create_table(
        "staging_images",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("group_id", sa.String(length=64), nullable=False),
        sa.Column("original_id", sa.String(length=64), nullable=False),
        sa.Column("variant", sa.Integer(), nullable=False),
        sa.Column("request", _JSON, nullable=False),
        sa.Column("job_id", sa.String(length=64), nullable=False),
        sa.Column("staged_key", sa.String(length=512), nullable=True),
        sa.Column("labelled_key", sa.String(length=512), nullable=True),
        sa.Column("content_type", sa.String(length=64), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name="fk_staging_images_account_id"
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["staging_groups.id"], name="fk_staging_images_group_id"
        ),
        sa.ForeignKeyConstraint(
            ["original_id"], ["staging_originals.id"], name="fk_staging_images_original_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_staging_images"),
    )
    op.create_index(
        "ix_staging_images_group_id", "staging_images", ["group_id", "variant"], unique=False
    )
    op.create_index(
        "ix_staging_images_page", "staging_images", ["account_id", "created_at", "id"], unique=False
    )
    op.create_table(
        "staging_jobs",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("image_id", sa.String(length=64), nullable=False),
        sa.Column("group_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("model", sa.String(length=255), nullable=False),
        sa.Column("lane", sa.String(length=64), nullable=False),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.Double(), server_default="0", nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("crashes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("seq", sa.Integer(), server_default="0", nullable=False),
        sa.Column("progress", sa.Double(), server_default="0", nullable=False),
        sa.Column("phase", sa.String(length=64), server_default="", nullable=False),
        sa.Column("checkpoint", _JSON, nullable=True),
        sa.Column("error", sa.String(length=64), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("cost_usd", sa.Double(), server_default="0", nullable=False),
        sa.Column("timings_ms", _JSON, nullable=False),
        sa.Column("report", _JSON, nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name="fk_staging_jobs_account_id"
        ),
        sa.ForeignKeyConstraint(
            ["image_id"], ["staging_images.id"], name="fk_staging_jobs_image_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_staging_jobs"),
    )
    op.create_index("ix_staging_jobs_due", "staging_jobs", ["state", "due_at"], unique=False)
    op.create_index("ix_staging_jobs_image_id", "staging_jobs", ["image_id"], unique=False)
    op.create_index(
        "ix_staging_jobs_page", "staging_jobs", ["account_id", "created_at", "id"], unique=False
    )
    op.create_table(
        "staging_attempts",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("job_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("handle", sa.String(length=200), nullable=True),
        sa.Column("cost_usd", sa.Double(), server_default="0", nullable=False),
        sa.Column("error", sa.String(length=64), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("deadline", sa.Double(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name="fk_staging_attempts_account_id"
        ),
        sa.ForeignKeyConstraint(["job_id"], ["staging_jobs.id"], name="fk_staging_attempts_job_id"),
        sa.PrimaryKeyConstraint("id", name="pk_staging_attempts"),
        sa.UniqueConstraint("job_id", "number", name="uq_staging_attempts_job_id_number"),
    )
