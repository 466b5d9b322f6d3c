"""The only schema. Every name starts with ``staging_`` so that a host's tables are never touched.

Ids are text; times are Unix seconds as doubles; every row of an account carries its ``account_id``.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Json = sa.JSON().with_variant(JSONB(), "postgresql")


def _id(name: str = "id", **options: object) -> sa.Column[str]:
    return sa.Column(name, sa.String(64), nullable=False, **options)  # type: ignore[arg-type]


def _account() -> sa.Column[str]:
    return sa.Column(
        "account_id", sa.String(255), sa.ForeignKey("staging_accounts.id"), nullable=False
    )


def _time(name: str, *, nullable: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=nullable)


accounts = sa.Table(
    "staging_accounts",
    metadata,
    sa.Column("id", sa.String(255), primary_key=True),
    sa.Column("position", sa.BigInteger(), nullable=False, server_default="0"),
    # Counted with the events that tell of it, so that nobody ever counts jobs.
    sa.Column("queued", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("in_flight", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("served_at", sa.Double(), nullable=False, server_default="0"),
    _time("created_at"),
    sa.Index(
        "ix_staging_accounts_queue",
        "in_flight",
        "served_at",
        sqlite_where=sa.text("queued > 0"),
        postgresql_where=sa.text("queued > 0"),
    ),
)

originals = sa.Table(
    "staging_originals",
    metadata,
    _id(primary_key=True),
    _account(),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("key", sa.String(512), nullable=False),
    sa.Column("working_key", sa.String(512), nullable=False),
    sa.Column("content_type", sa.String(64), nullable=False),
    sa.Column("width", sa.Integer(), nullable=False),
    sa.Column("height", sa.Integer(), nullable=False),
    sa.Column("focal_px", sa.Double()),
    _time("created_at"),
    sa.UniqueConstraint("account_id", "sha256"),
)

files = sa.Table(
    "staging_files",
    metadata,
    sa.Column("key", sa.String(512), primary_key=True),
    _account(),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("job_id", sa.String(64), index=True),
    sa.Column("size", sa.BigInteger()),
    sa.Column("sha256", sa.String(64)),
    sa.Column("etag", sa.String(255)),
    # Set: only intended; the object is deleted after this time unless a commit keeps it.
    sa.Column("expires_at", sa.Double(), index=True),
    _time("created_at"),
)

groups = sa.Table(
    "staging_groups",
    metadata,
    _id(primary_key=True),
    _account(),
    _id("original_id"),
    sa.Column("idempotency_key", sa.String(255)),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("quote", _Json, nullable=False),
    _time("created_at"),
    sa.UniqueConstraint("account_id", "idempotency_key"),
    sa.ForeignKeyConstraint(["original_id"], ["staging_originals.id"]),
)

images = sa.Table(
    "staging_images",
    metadata,
    _id(primary_key=True),
    _account(),
    _id("group_id"),
    _id("original_id"),
    sa.Column("variant", sa.Integer(), nullable=False),
    sa.Column("request", _Json, nullable=False),
    sa.Column("job_id", sa.String(64), nullable=False),
    sa.Column("staged_key", sa.String(512)),
    sa.Column("labelled_key", sa.String(512)),
    sa.Column("content_type", sa.String(64)),
    sa.Column("width", sa.Integer()),
    sa.Column("height", sa.Integer()),
    sa.Column("sha256", sa.String(64)),
    _time("created_at"),
    sa.ForeignKeyConstraint(["group_id"], ["staging_groups.id"]),
    sa.ForeignKeyConstraint(["original_id"], ["staging_originals.id"]),
    sa.Index("ix_staging_images_group_id", "group_id", "variant"),
    sa.Index("ix_staging_images_page", "account_id", "created_at", "id"),
)

jobs = sa.Table(
    "staging_jobs",
    metadata,
    _id(primary_key=True),
    _account(),
    _id("image_id"),
    _id("group_id"),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("model", sa.String(255), nullable=False),
    sa.Column("lane", sa.String(64), nullable=False),
    # Claiming: who holds the job, until when, and the number that every later write must carry.
    sa.Column("fence", sa.BigInteger(), nullable=False, server_default="0"),
    sa.Column("lease_until", sa.Double(), nullable=False, server_default="0"),
    _time("due_at"),
    sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("crashes", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("seq", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("progress", sa.Double(), nullable=False, server_default="0"),
    sa.Column("phase", sa.String(64), nullable=False, server_default=""),
    sa.Column("checkpoint", _Json),
    sa.Column("error", sa.String(64)),
    sa.Column("message", sa.Text()),
    sa.Column("cost_usd", sa.Double(), nullable=False, server_default="0"),
    sa.Column("timings_ms", _Json, nullable=False),
    sa.Column("report", _Json, nullable=False),
    _time("created_at"),
    _time("updated_at"),
    _time("finished_at", nullable=True),
    sa.ForeignKeyConstraint(["image_id"], ["staging_images.id"]),
    sa.Index("ix_staging_jobs_due", "state", "due_at"),
    sa.Index("ix_staging_jobs_model", "model", "state", "due_at"),
    sa.Index("ix_staging_jobs_queue", "account_id", "model", "state", "due_at"),
    sa.Index("ix_staging_jobs_held", "model", "state", "lease_until"),
    sa.Index("ix_staging_jobs_page", "account_id", "created_at", "id"),
    sa.Index("ix_staging_jobs_image_id", "image_id"),
)

attempts = sa.Table(
    "staging_attempts",
    metadata,
    _id(primary_key=True),
    _account(),
    _id("job_id"),
    sa.Column("number", sa.Integer(), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    # Whom the model's provider knows it by, and which plugin's version wrote that down.
    sa.Column("model", sa.String(255), nullable=False, server_default=""),
    sa.Column("version", sa.String(64), nullable=False, server_default=""),
    sa.Column("handle", sa.String(200)),
    # When its answer was lost; when to look for it again though its job does without it.
    sa.Column("unknown_at", sa.Double()),
    sa.Column("look_at", sa.Double(), index=True),
    sa.Column("fetches", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("cost_usd", sa.Double(), nullable=False, server_default="0"),
    sa.Column("error", sa.String(64)),
    sa.Column("message", sa.Text()),
    _time("deadline"),
    _time("started_at"),
    _time("finished_at", nullable=True),
    sa.UniqueConstraint("job_id", "number"),
    sa.ForeignKeyConstraint(["job_id"], ["staging_jobs.id"]),
    sa.Index("ix_staging_attempts_handle", "handle"),
)

events = sa.Table(
    "staging_events",
    metadata,
    _account(),
    sa.Column("position", sa.BigInteger(), nullable=False),
    _id("job_id"),
    _id("image_id"),
    _id("group_id"),
    sa.Column("seq", sa.Integer(), nullable=False),
    sa.Column("type", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("data", _Json, nullable=False),
    _time("at"),
    sa.PrimaryKeyConstraint("account_id", "position"),
    sa.UniqueConstraint("job_id", "seq"),
    sa.Index("ix_staging_events_group_id", "group_id", "position"),
)

outbox = sa.Table(
    "staging_outbox",
    metadata,
    _id(primary_key=True),
    _account(),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("payload", _Json, nullable=False),
    sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("due_at", sa.Double(), nullable=False, index=True),
    _time("created_at"),
)

inbox = sa.Table(
    "staging_inbox",
    metadata,
    # Who reported (a provider), and its name for the event: every event is here once.
    sa.Column("source", sa.String(255), primary_key=True),
    sa.Column("event_id", sa.String(200), primary_key=True),
    sa.Column("handle", sa.String(200), nullable=False),
    sa.Column("attempt_id", sa.String(64)),
    _time("received_at"),
    # Unset: the prediction was not known yet, and a sweep reads the row again.
    _time("read_at", nullable=True),
    sa.Index("ix_staging_inbox_read_at", "read_at", "received_at"),
)

gates = sa.Table(
    "staging_gates",
    metadata,
    # ``provider:NAME`` (a token bucket) or ``model:ID`` (a circuit breaker).
    sa.Column("name", sa.String(300), primary_key=True),
    sa.Column("tokens", sa.Double(), nullable=False, server_default="0"),
    sa.Column("filled_at", sa.Double(), nullable=False, server_default="0"),
    sa.Column("closed_until", sa.Double(), nullable=False, server_default="0"),
    sa.Column("failures", sa.Integer(), nullable=False, server_default="0"),
)

leases = sa.Table(
    "staging_leases",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("owner", sa.String(64), nullable=False),
    _time("lease_until"),
)

observers = sa.Table(
    "staging_observers",
    metadata,
    sa.Column("plugin", sa.String(255), primary_key=True),
    sa.Column("account_id", sa.String(255), sa.ForeignKey("staging_accounts.id"), primary_key=True),
    sa.Column("position", sa.BigInteger(), nullable=False),
    sa.Column("due_at", sa.Double(), nullable=False, server_default="0"),
)

users = sa.Table(
    "staging_users",
    metadata,
    # One row for one person in one account: an id of ours, or what the host calls them.
    _account(),
    sa.Column("id", sa.String(255), nullable=False, index=True),
    # Who vouches for them, and under which name; unset for users that the host names.
    sa.Column("issuer", sa.String(512)),
    sa.Column("subject", sa.String(255)),
    sa.Column("role", sa.String(16), nullable=False, server_default="member"),
    sa.Column("email", sa.String(320)),
    sa.Column("full_name", sa.String(255)),
    # What the issuer last said: only a change of it replaces what the user wrote.
    sa.Column("issuer_email", sa.String(320)),
    sa.Column("issuer_name", sa.String(255)),
    sa.Column("company_name", sa.String(255)),
    sa.Column("phone", sa.String(64)),
    sa.Column("billing_address", _Json),
    sa.Column("profile_photo_url", sa.String(2048)),
    sa.Column("preferences", _Json, nullable=False, server_default="{}"),
    sa.Column("stripe_customer_id", sa.String(255)),
    _time("created_at"),
    _time("updated_at"),
    _time("last_seen_at"),
    sa.PrimaryKeyConstraint("account_id", "id"),
    sa.UniqueConstraint("issuer", "subject", "account_id"),
    sa.Index("ix_staging_users_page", "created_at", "id"),
)

api_keys = sa.Table(
    "staging_api_keys",
    metadata,
    _id(primary_key=True),
    _account(),
    sa.Column("user_id", sa.String(255), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    # How it begins, to tell keys apart; the key itself is kept nowhere, only its hash.
    sa.Column("prefix", sa.String(32), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("scopes", _Json, nullable=False),
    sa.Column("expires_at", sa.Double()),
    sa.Column("revoked_at", sa.Double()),
    sa.Column("last_used_at", sa.Double()),
    _time("created_at"),
    sa.UniqueConstraint("digest"),
    sa.ForeignKeyConstraint(
        ["account_id", "user_id"], ["staging_users.account_id", "staging_users.id"]
    ),
    sa.Index("ix_staging_api_keys_page", "account_id", "created_at", "id"),
)

tickets = sa.Table(
    "staging_tickets",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    _account(),
    sa.Column("user_id", sa.String(255), nullable=False),
    sa.Column("expires_at", sa.Double(), nullable=False, index=True),
)
