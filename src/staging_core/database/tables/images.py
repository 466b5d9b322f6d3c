"""Photos and what came of them: projects, uploads, originals, files, groups, images."""

from __future__ import annotations

import sqlalchemy as sa

from .base import THERE, Json, account_column, id_column, index, metadata, time_column

projects = sa.Table(
    "staging_projects",
    metadata,
    id_column(primary_key=True),
    account_column(),
    sa.Column("user_id", sa.String(255), nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    time_column("created_at"),
    time_column("deleted_at", nullable=True),
    index("ix_staging_projects_page", "account_id", "created_at", "id", only=THERE),
)

originals = sa.Table(
    "staging_originals",
    metadata,
    id_column(primary_key=True),
    account_column(),
    # What tells an account's originals apart: the digest of the bytes or, where the bytes came
    # into the storage without us, the id of their upload.
    sa.Column("sha256", sa.String(64), nullable=False),
    # The digest of such bytes, once a worker has read them.
    sa.Column("digest", sa.String(64)),
    sa.Column("key", sa.String(512), nullable=False),
    sa.Column("working_key", sa.String(512), nullable=False),
    sa.Column("content_type", sa.String(64), nullable=False),
    sa.Column("width", sa.Integer(), nullable=False),
    sa.Column("height", sa.Integer(), nullable=False),
    sa.Column("focal_px", sa.Double()),
    # Unset where only the header has been read: the first job decodes it, and then knows better.
    sa.Column("developed", sa.Boolean(), nullable=False, server_default=sa.true()),
    time_column("created_at"),
    # No image uses it any more, and its objects are to go.
    time_column("gone_at", nullable=True),
    sa.UniqueConstraint("account_id", "sha256"),
)

uploads = sa.Table(
    "staging_uploads",
    metadata,
    id_column(primary_key=True),
    account_column(),
    # Where it is put, and under which address (without its signature) somebody was let to.
    sa.Column("key", sa.String(512), nullable=False, unique=True),
    sa.Column("url", sa.Text()),
    sa.Column("filename", sa.String(255), nullable=False),
    # As promised; of what came through us, as it is.
    sa.Column("content_type", sa.String(64), nullable=False),
    sa.Column("size", sa.BigInteger(), nullable=False),
    time_column("signed_until", nullable=True),
    # The copy that no address was signed for, and what its first bytes say.
    sa.Column("kept_key", sa.String(512)),
    sa.Column("kept_type", sa.String(64)),
    sa.Column("width", sa.Integer()),
    sa.Column("height", sa.Integer()),
    sa.Column("sha256", sa.String(64)),
    sa.Column("original_id", sa.String(64), index=True),
    # Set: not used yet; it goes after this time.
    sa.Column("expires_at", sa.Double(), index=True),
    time_column("created_at"),
    time_column("completed_at", nullable=True),
    sa.ForeignKeyConstraint(["original_id"], ["staging_originals.id"]),
)

files = sa.Table(
    "staging_files",
    metadata,
    sa.Column("key", sa.String(512), primary_key=True),
    account_column(),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("job_id", sa.String(64), index=True),
    sa.Column("size", sa.BigInteger()),
    sa.Column("sha256", sa.String(64)),
    sa.Column("etag", sa.String(255)),
    # Set: only intended; the object is deleted after this time unless a commit keeps it.
    sa.Column("expires_at", sa.Double(), index=True),
    time_column("created_at"),
)

groups = sa.Table(
    "staging_groups",
    metadata,
    id_column(primary_key=True),
    account_column(),
    id_column("original_id"),
    sa.Column("idempotency_key", sa.String(255)),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("quote", Json, nullable=False),
    time_column("created_at"),
    sa.UniqueConstraint("account_id", "idempotency_key"),
    sa.ForeignKeyConstraint(["original_id"], ["staging_originals.id"]),
)

images = sa.Table(
    "staging_images",
    metadata,
    id_column(primary_key=True),
    account_column(),
    id_column("group_id"),
    id_column("original_id"),
    sa.Column("variant", sa.Integer(), nullable=False),
    sa.Column("request", Json, nullable=False),
    # Names of those of its options that nobody asked for: an operator has configured them.
    sa.Column("configured", Json),
    sa.Column("job_id", sa.String(64), nullable=False),
    sa.Column("staged_key", sa.String(512)),
    sa.Column("labelled_key", sa.String(512)),
    sa.Column("content_type", sa.String(64)),
    sa.Column("width", sa.Integer()),
    sa.Column("height", sa.Integer()),
    sa.Column("sha256", sa.String(64)),
    sa.Column("thumbnail_key", sa.String(512)),
    sa.Column("project_id", sa.String(64)),
    sa.Column("style", sa.String(64)),
    # How the client named the photo: its address, and its file.
    sa.Column("original_url", sa.Text()),
    sa.Column("filename", sa.String(255)),
    time_column("created_at"),
    # Deleted is hidden at once; cleared: its job has ended, and its objects are to go.
    time_column("deleted_at", nullable=True),
    time_column("cleared_at", nullable=True),
    sa.ForeignKeyConstraint(["group_id"], ["staging_groups.id"]),
    sa.ForeignKeyConstraint(["original_id"], ["staging_originals.id"]),
    sa.ForeignKeyConstraint(["project_id"], ["staging_projects.id"]),
    sa.Index("ix_staging_images_group_id", "group_id", "variant"),
    index("ix_staging_images_page", "account_id", "created_at", "id", only=THERE),
    index("ix_staging_images_style", "account_id", "style", "created_at", "id", only=THERE),
    index("ix_staging_images_project", "project_id", "created_at", "id", only=THERE),
    index("ix_staging_images_project_style", "project_id", "style", "created_at", "id", only=THERE),
    index("ix_staging_images_original", "original_id", "created_at", "id", only=THERE),
    index(
        "ix_staging_images_uncleared",
        "deleted_at",
        only="deleted_at IS NOT NULL AND cleared_at IS NULL",
    ),
)

words = sa.Table(
    "staging_words",
    metadata,
    # What an image is found by, in the order in which lists have it.
    sa.Column("account_id", sa.String(255), sa.ForeignKey("staging_accounts.id"), primary_key=True),
    # Compared byte by byte, so that all that begin alike lie together.
    sa.Column(
        "word",
        sa.String(40).with_variant(sa.String(40, collation="C"), "postgresql"),
        primary_key=True,
    ),
    sa.Column("created_at", sa.Double(), primary_key=True),
    sa.Column("image_id", sa.String(64), primary_key=True),
    sa.ForeignKeyConstraint(["image_id"], ["staging_images.id"]),
    sa.Index("ix_staging_words_image_id", "image_id", "word"),
)
