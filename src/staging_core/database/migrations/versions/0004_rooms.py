"""Projects, uploads, idempotent creation and usage; what is deleted is hidden."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
oldest = "0003"
"""Code of that schema lists what is deleted, counts no usage, and loses nothing."""

_THERE = "deleted_at IS NULL"


def upgrade() -> None:
    _make_projects()
    op.add_column("staging_originals", sa.Column("digest", sa.String(length=64)))
    op.add_column("staging_originals", sa.Column("gone_at", sa.Double()))
    op.add_column(
        "staging_originals",
        sa.Column("developed", sa.Boolean(), nullable=False, server_default=sa.true()),
    )
    _add_to_images()
    _add_to_jobs()
    _make_uploads()
    _make_creations()
    _make_usage()
    _make_words()


def _make_projects() -> None:
    op.create_table(
        "staging_projects",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("deleted_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name="fk_staging_projects_account_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_staging_projects"),
    )
    _index("ix_staging_projects_page", "staging_projects", "account_id created_at id", _THERE)


def _add_to_images() -> None:
    project = sa.ForeignKey("staging_projects.id", name="fk_staging_images_project_id")
    for column in (
        sa.Column("thumbnail_key", sa.String(length=512)),
        sa.Column("style", sa.String(length=64)),
        sa.Column("original_url", sa.Text()),
        sa.Column("filename", sa.String(length=255)),
        sa.Column("deleted_at", sa.Double()),
        sa.Column("cleared_at", sa.Double()),
    ):
        op.add_column("staging_images", column)
    op.add_column(
        "staging_images",
        sa.Column("project_id", sa.String(length=64), project),
        inline_references=True,
    )
    style = "request->>'style'" if _on_postgresql() else "json_extract(request, '$.style')"
    op.execute(f"UPDATE staging_images SET style = {style}")  # noqa: S608
    op.drop_index("ix_staging_images_page", "staging_images")
    for name, columns in (
        ("page", "account_id created_at id"),
        ("style", "account_id style created_at id"),
        ("project", "project_id created_at id"),
        ("project_style", "project_id style created_at id"),
        ("original", "original_id created_at id"),
    ):
        _index(f"ix_staging_images_{name}", "staging_images", columns, _THERE)
    uncleared = "deleted_at IS NOT NULL AND cleared_at IS NULL"
    _index("ix_staging_images_uncleared", "staging_images", "deleted_at", uncleared)


def _add_to_jobs() -> None:
    op.add_column("staging_jobs", sa.Column("project_id", sa.String(length=64)))
    _index("ix_staging_jobs_state", "staging_jobs", "account_id state created_at id")
    columns, only = "project_id state created_at id", "project_id IS NOT NULL"
    _index("ix_staging_jobs_project", "staging_jobs", columns, only)


def _make_uploads() -> None:
    op.create_table(
        "staging_uploads",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=512), nullable=False),
        sa.Column("url", sa.Text()),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("content_type", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("signed_until", sa.Double()),
        sa.Column("kept_key", sa.String(length=512)),
        sa.Column("kept_type", sa.String(length=64)),
        sa.Column("width", sa.Integer()),
        sa.Column("height", sa.Integer()),
        sa.Column("sha256", sa.String(length=64)),
        sa.Column("original_id", sa.String(length=64)),
        sa.Column("expires_at", sa.Double()),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("completed_at", sa.Double()),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name="fk_staging_uploads_account_id"
        ),
        sa.ForeignKeyConstraint(
            ["original_id"], ["staging_originals.id"], name="fk_staging_uploads_original_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_staging_uploads"),
        sa.UniqueConstraint("key", name="uq_staging_uploads_key"),
    )
    for column in ("original_id", "expires_at"):
        op.create_index(f"ix_staging_uploads_{column}", "staging_uploads", [column])


def _make_creations() -> None:
    op.create_table(
        "staging_creations",
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("route", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("created", _JSON),
        sa.Column("running_until", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name="fk_staging_creations_account_id"
        ),
        sa.PrimaryKeyConstraint("account_id", "key", name="pk_staging_creations"),
    )
    op.create_index("ix_staging_creations_expires_at", "staging_creations", ["expires_at"])


def _make_usage() -> None:
    op.create_table(
        "staging_usage",
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name="fk_staging_usage_account_id"
        ),
        sa.PrimaryKeyConstraint("account_id", "month", name="pk_staging_usage"),
    )
    month = "strftime('%Y-%m', finished_at, 'unixepoch')"
    if _on_postgresql():
        month = "to_char(to_timestamp(finished_at) AT TIME ZONE 'UTC', 'YYYY-MM')"
    op.execute(
        "INSERT INTO staging_usage (account_id, month, images)"  # noqa: S608
        f" SELECT account_id, {month}, count(*) FROM staging_jobs WHERE state = 'ready'"
        f" GROUP BY account_id, {month}"
    )


def _make_words() -> None:
    word = sa.String(length=40).with_variant(sa.String(length=40, collation="C"), "postgresql")
    op.create_table(
        "staging_words",
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("word", word, nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("image_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["staging_accounts.id"], name="fk_staging_words_account_id"
        ),
        sa.ForeignKeyConstraint(
            ["image_id"], ["staging_images.id"], name="fk_staging_words_image_id"
        ),
        sa.PrimaryKeyConstraint(
            "account_id", "word", "created_at", "image_id", name="pk_staging_words"
        ),
    )
    op.create_index("ix_staging_words_image_id", "staging_words", ["image_id", "word"])


def _index(name: str, table: str, columns: str, only: str | None = None) -> None:
    where = None if only is None else sa.text(only)
    op.create_index(name, table, columns.split(), sqlite_where=where, postgresql_where=where)


def _on_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"
