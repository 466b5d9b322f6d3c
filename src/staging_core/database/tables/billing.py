"""What accounts may have, what they took, and the ledger that says how it came to be."""

from __future__ import annotations

import sqlalchemy as sa

from .base import Json, account_column, id_column, index, metadata, time_column

OVERAGE_HAD = "kind = 'capture' AND balance LIKE 'overage/%'"
"""Of entries: images beyond a plan, which are charged afterwards; what costs nothing is none."""

balances = sa.Table(
    "staging_balances",
    metadata,
    # Images that an account may have: of a period's allowance or overage, or credits.
    sa.Column("account_id", sa.String(255), sa.ForeignKey("staging_accounts.id"), primary_key=True),
    sa.Column("name", sa.String(64), primary_key=True),
    # How much of it there ever was; what may be had now; what running jobs hold.
    sa.Column("granted", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("available", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("reserved", sa.Integer(), nullable=False, server_default="0"),
    # Of credits that jobs hold: whose money went back; how many of such were taken by now.
    sa.Column("owed", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("owed_taken", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("expires_at", sa.Double()),
    sa.CheckConstraint("available >= 0", name="ck_staging_balances_available"),
    sa.CheckConstraint("reserved >= 0", name="ck_staging_balances_reserved"),
    index(
        "ix_staging_balances_expiring",
        "expires_at",
        only="available > 0 AND expires_at IS NOT NULL",
    ),
)

ledger = sa.Table(
    "staging_ledger",
    metadata,
    # Double entry: every row takes from one book what it puts into another. It is only added to.
    sa.Column("account_id", sa.String(255), sa.ForeignKey("staging_accounts.id"), primary_key=True),
    # Made of what it is for (a job's hold, its end; a purchase), so that nothing is booked twice.
    sa.Column("id", sa.String(255), primary_key=True),
    sa.Column("balance", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("from_book", sa.String(16), nullable=False),
    sa.Column("to_book", sa.String(16), nullable=False),
    sa.Column("images", sa.Integer(), nullable=False),
    sa.Column("job_id", sa.String(64)),
    sa.Column("note", Json),
    time_column("at"),
    sa.CheckConstraint("images > 0", name="ck_staging_ledger_images"),
    sa.CheckConstraint("from_book <> to_book", name="ck_staging_ledger_books"),
    sa.Index("ix_staging_ledger_page", "account_id", "at", "id"),
    index("ix_staging_ledger_job_id", "job_id", only="job_id IS NOT NULL"),
    index("ix_staging_ledger_overage", "at", only=OVERAGE_HAD),
)

reservations = sa.Table(
    "staging_reservations",
    metadata,
    # What a service outside holds, or may hold: written before it is asked.
    id_column(primary_key=True),
    account_column(),
    sa.Column("source", sa.String(32), nullable=False),
    sa.Column("images", sa.Integer(), nullable=False),
    # begun: whether it is held is not known; kept: its job is accepted; captured, released: as its
    # job ended; void: no job came of it, so that it is released and then forgotten.
    sa.Column("state", sa.String(16), nullable=False),
    time_column("created_at"),
    time_column("settled_at", nullable=True),
    # When the service has said that it knows.
    time_column("told_at", nullable=True),
    # When it is to be told; of one that is begun, when no order keeps it any more.
    time_column("due_at", nullable=True),
    sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
    index("ix_staging_reservations_due", "due_at", only="due_at IS NOT NULL"),
    index("ix_staging_reservations_untold", "account_id", only="told_at IS NULL"),
)

billing_events = sa.Table(
    "staging_billing_events",
    metadata,
    # What plugins are told of money, numbered within the account. It is only added to.
    sa.Column("account_id", sa.String(255), sa.ForeignKey("staging_accounts.id"), primary_key=True),
    sa.Column("position", sa.BigInteger(), primary_key=True),
    id_column(),
    sa.Column("type", sa.String(64), nullable=False),
    sa.Column("data", Json, nullable=False),
    time_column("at"),
)

subscriptions = sa.Table(
    "staging_subscriptions",
    metadata,
    # Plans that accounts have: sold by a payment provider, or given by an operator.
    account_column(),
    id_column(primary_key=True),
    sa.Column("source", sa.String(32), nullable=False),
    sa.Column("plan", sa.String(64), nullable=False),
    sa.Column("price_id", sa.String(255)),
    sa.Column("status", sa.String(32), nullable=False),
    # Unset: it goes by calendar months.
    time_column("period_start", nullable=True),
    time_column("period_end", nullable=True),
    # Set while the present period's plan is not paid for: the start of the period of which the
    # account still has what is left.
    time_column("given_start", nullable=True),
    # The start of the period that it gives, where another of the account's had that day's name.
    time_column("apart_start", nullable=True),
    time_column("cancel_at", nullable=True),
    time_column("canceled_at", nullable=True),
    # Its metered price, and what an image beyond the plan is charged with by that; unset: the plan
    # says otherwise, or nothing is charged. When it was last seen to charge by any metered price.
    sa.Column("overage_price_id", sa.String(255)),
    sa.Column("overage_cents", sa.Integer()),
    time_column("metered_at", nullable=True),
    time_column("created_at"),
    time_column("updated_at"),
    sa.Index("ix_staging_subscriptions_page", "account_id", "created_at", "id"),
)
