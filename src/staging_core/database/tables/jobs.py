"""Jobs, their attempts and events, and what is to be done outside."""

from __future__ import annotations

import sqlalchemy as sa

from .base import Json, account_column, id_column, index, metadata, time_column

jobs = sa.Table(
    "staging_jobs",
    metadata,
    id_column(primary_key=True),
    account_column(),
    id_column("image_id"),
    id_column("group_id"),
    sa.Column("project_id", sa.String(64)),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("model", sa.String(255), nullable=False),
    sa.Column("lane", sa.String(64), nullable=False),
    # The trace that its submission was part of, as a W3C traceparent.
    sa.Column("trace", sa.String(64)),
    # Claiming: who holds the job, until when, and the number that every later write must carry.
    sa.Column("fence", sa.BigInteger(), nullable=False, server_default="0"),
    sa.Column("lease_until", sa.Double(), nullable=False, server_default="0"),
    time_column("due_at"),
    sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("crashes", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("seq", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("progress", sa.Double(), nullable=False, server_default="0"),
    sa.Column("phase", sa.String(64), nullable=False, server_default=""),
    sa.Column("checkpoint", Json),
    sa.Column("error", sa.String(64)),
    sa.Column("message", sa.Text()),
    sa.Column("cost_usd", sa.Double(), nullable=False, server_default="0"),
    # The balance that its image is held in, unset where nothing is; set: the hold is no more.
    sa.Column("reserved_in", sa.String(64)),
    time_column("settled_at", nullable=True),
    # What holds it at a service outside, unset where nothing does; settled with it.
    sa.Column("reservation_id", sa.String(64)),
    # In which of its account's periods the image counts; unset: in the month that it is ready in.
    sa.Column("usage_period", sa.String(10)),
    sa.Column("timings_ms", Json, nullable=False),
    sa.Column("report", Json, nullable=False),
    time_column("created_at"),
    time_column("updated_at"),
    time_column("finished_at", nullable=True),
    sa.ForeignKeyConstraint(["image_id"], ["staging_images.id"]),
    sa.Index("ix_staging_jobs_due", "state", "due_at"),
    sa.Index("ix_staging_jobs_model", "model", "state", "due_at"),
    sa.Index("ix_staging_jobs_queue", "account_id", "model", "state", "due_at"),
    sa.Index("ix_staging_jobs_held", "model", "state", "lease_until"),
    sa.Index("ix_staging_jobs_page", "account_id", "created_at", "id"),
    sa.Index("ix_staging_jobs_image_id", "image_id"),
    # For operators, across accounts.
    sa.Index("ix_staging_jobs_newest", "created_at", "id"),
    index("ix_staging_jobs_ended", "finished_at", only="finished_at IS NOT NULL"),
    index(
        "ix_staging_jobs_unsettled",
        "finished_at",
        only="reserved_in IS NOT NULL AND settled_at IS NULL AND finished_at IS NOT NULL",
    ),
    index(
        "ix_staging_jobs_unsettled_outside",
        "finished_at",
        only="reservation_id IS NOT NULL AND settled_at IS NULL AND finished_at IS NOT NULL",
    ),
    index("ix_staging_jobs_dead", "state", "created_at", "id", only="state = 'error'"),
    index("ix_staging_jobs_cancelled", "state", "created_at", "id", only="state = 'cancelled'"),
    sa.Index("ix_staging_jobs_state", "account_id", "state", "created_at", "id"),
    index(
        "ix_staging_jobs_project",
        "project_id",
        "state",
        "created_at",
        "id",
        only="project_id IS NOT NULL",
    ),
)

attempts = sa.Table(
    "staging_attempts",
    metadata,
    id_column(primary_key=True),
    account_column(),
    id_column("job_id"),
    sa.Column("number", sa.Integer(), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    # Whom the model's provider knows it by, and which plugin's version wrote that down.
    sa.Column("model", sa.String(255), nullable=False, server_default=""),
    sa.Column("version", sa.String(64), nullable=False, server_default=""),
    sa.Column("handle", sa.String(200)),
    # When its answer was lost; when to look for it again though its job does without it, and how
    # often that was done.
    sa.Column("unknown_at", sa.Double()),
    sa.Column("look_at", sa.Double(), index=True),
    sa.Column("looks", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("fetches", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("cost_usd", sa.Double(), nullable=False, server_default="0"),
    # What of the caps it takes, in millionths of a US dollar: on which day, in which project.
    sa.Column("spent", sa.BigInteger(), nullable=False, server_default="0"),
    sa.Column("spent_on", sa.Integer()),
    sa.Column("spent_in", sa.String(64)),
    sa.Column("error", sa.String(64)),
    sa.Column("message", sa.Text()),
    time_column("deadline"),
    time_column("started_at"),
    time_column("finished_at", nullable=True),
    sa.UniqueConstraint("job_id", "number"),
    sa.ForeignKeyConstraint(["job_id"], ["staging_jobs.id"]),
    sa.Index("ix_staging_attempts_handle", "handle"),
)

events = sa.Table(
    "staging_events",
    metadata,
    account_column(),
    sa.Column("position", sa.BigInteger(), nullable=False),
    id_column("job_id"),
    id_column("image_id"),
    id_column("group_id"),
    sa.Column("seq", sa.Integer(), nullable=False),
    sa.Column("type", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("data", Json, nullable=False),
    time_column("at"),
    sa.PrimaryKeyConstraint("account_id", "position"),
    sa.UniqueConstraint("job_id", "seq"),
    sa.Index("ix_staging_events_group_id", "group_id", "position"),
)

outbox = sa.Table(
    "staging_outbox",
    metadata,
    id_column(primary_key=True),
    account_column(),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("payload", Json, nullable=False),
    sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("due_at", sa.Double(), nullable=False, index=True),
    time_column("created_at"),
)

inbox = sa.Table(
    "staging_inbox",
    metadata,
    # Who reported (a provider), and its name for the event: every event is here once.
    sa.Column("source", sa.String(255), primary_key=True),
    sa.Column("event_id", sa.String(200), primary_key=True),
    sa.Column("handle", sa.String(200), nullable=False),
    sa.Column("attempt_id", sa.String(64)),
    time_column("received_at"),
    # Unset: the prediction was not known yet, and a sweep reads the row again.
    time_column("read_at", nullable=True),
    sa.Index("ix_staging_inbox_read_at", "read_at", "received_at"),
)

spend = sa.Table(
    "staging_spend",
    metadata,
    # What an account's attempts of a day took of the caps, in millionths of a US dollar; in a
    # project, or with "" in all.
    sa.Column("account_id", sa.String(255), sa.ForeignKey("staging_accounts.id"), primary_key=True),
    sa.Column("day", sa.Integer(), primary_key=True, autoincrement=False),
    sa.Column("project_id", sa.String(64), primary_key=True),
    sa.Column("spent", sa.BigInteger(), nullable=False, server_default="0"),
    sa.Index("ix_staging_spend_day", "day"),
)

spend_days = sa.Table(
    "staging_spend_days",
    metadata,
    # The same of all accounts.
    sa.Column("day", sa.Integer(), primary_key=True, autoincrement=False),
    sa.Column("spent", sa.BigInteger(), nullable=False, server_default="0"),
)

gates = sa.Table(
    "staging_gates",
    metadata,
    # ``provider:NAME`` (a token bucket), ``reads:NAME`` or ``model:ID`` (circuit breakers).
    sa.Column("name", sa.String(300), primary_key=True),
    sa.Column("tokens", sa.Double(), nullable=False, server_default="0"),
    sa.Column("filled_at", sa.Double(), nullable=False, server_default="0"),
    sa.Column("closed_until", sa.Double(), nullable=False, server_default="0"),
    sa.Column("failures", sa.Integer(), nullable=False, server_default="0"),
)
