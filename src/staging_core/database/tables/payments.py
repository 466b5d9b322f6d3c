"""What accounts pay through a provider: whose customers are whose, what was begun, what is due."""

from __future__ import annotations

import sqlalchemy as sa

from .base import Json, account_column, id_column, index, metadata, time_column

customers = sa.Table(
    "staging_customers",
    metadata,
    # Written before a provider is asked for a customer; it has no id until the provider gave one.
    sa.Column("account_id", sa.String(255), sa.ForeignKey("staging_accounts.id"), primary_key=True),
    sa.Column("source", sa.String(32), primary_key=True),
    sa.Column("customer_id", sa.String(255)),
    # What the provider knows the call by, so that two at one moment make one customer.
    id_column("key"),
    sa.Column("features", Json),
    time_column("created_at"),
    time_column("made_at", nullable=True),
    sa.Index("uq_staging_customers_customer_id", "source", "customer_id", unique=True),
)

purchases = sa.Table(
    "staging_purchases",
    metadata,
    # What an account began to buy or to change: written before the provider is asked. The id goes
    # to the provider and comes back with what was bought.
    account_column(),
    id_column(primary_key=True),
    # What the provider knows the call by, where the id is one that it keeps an error of its own by.
    sa.Column("key", sa.String(64)),
    sa.Column("source", sa.String(32), nullable=False),
    # checkout, subscribe, switch
    sa.Column("deed", sa.String(16), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("code", sa.String(64), nullable=False),
    sa.Column("price_id", sa.String(255), nullable=False),
    # begun: the outcome is not known; open: somebody has to pay; unwanted: another was begun since,
    # and what there may be of it is still to be found; done; refused; over.
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("object_id", sa.String(255)),
    time_column("created_at"),
    time_column("updated_at"),
    sa.Index("ix_staging_purchases_page", "account_id", "created_at", "id"),
    index("ix_staging_purchases_unsettled", "updated_at", only="state IN ('begun', 'unwanted')"),
)

payment_events = sa.Table(
    "staging_payment_events",
    metadata,
    # The inbox: every event that a provider reported is here once, however often it came.
    sa.Column("source", sa.String(32), primary_key=True),
    sa.Column("event_id", sa.String(255), primary_key=True),
    sa.Column("type", sa.String(100), nullable=False),
    sa.Column("kind", sa.String(16)),
    sa.Column("object_id", sa.String(255)),
    sa.Column("customer_id", sa.String(255)),
    sa.Column("subject_id", sa.String(255)),
    time_column("created_at"),
    time_column("received_at"),
    # Set when what it is about was looked at afterwards, and it was told to whom it concerns.
    time_column("read_at", nullable=True),
    sa.Index("ix_staging_payment_events_unread", "read_at", "received_at"),
    sa.Index("ix_staging_payment_events_object", "source", "object_id"),
)

payment_objects = sa.Table(
    "staging_payment_objects",
    metadata,
    # Each thing of a provider that was ever told of. One process at a time looks at it, by a lease,
    # and what it read is written only while the lease is its own.
    sa.Column("source", sa.String(32), primary_key=True),
    sa.Column("object_id", sa.String(255), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("customer_id", sa.String(255)),
    # Raised by every event; when it is more than what was seen, it has to be looked at again.
    sa.Column("told", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("seen", sa.Integer(), nullable=False, server_default="0"),
    time_column("due_at", nullable=True),
    sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
    time_column("lease_until", nullable=True),
    sa.Column("lease_no", sa.Integer(), nullable=False, server_default="0"),
    # As it was when it was last looked at.
    sa.Column("state", Json),
    time_column("created_at"),
    time_column("looked_at", nullable=True),
    index("ix_staging_payment_objects_due", "due_at", only="due_at IS NOT NULL"),
)

prices = sa.Table(
    "staging_prices",
    metadata,
    # Prices that were made for plans and packs of the configuration.
    sa.Column("source", sa.String(32), primary_key=True),
    sa.Column("price_id", sa.String(255), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("code", sa.String(64), nullable=False),
    sa.Column("overage", sa.Boolean(), nullable=False, server_default=sa.false()),
    sa.Column("amount_cents", sa.Integer(), nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    time_column("created_at"),
)

metering = sa.Table(
    "staging_metering",
    metadata,
    # What an account had beyond its plan in one minute, to be told to a provider that charges it:
    # written before it is told. A second part is what was booked into a minute that was over.
    sa.Column("account_id", sa.String(255), sa.ForeignKey("staging_accounts.id"), primary_key=True),
    sa.Column("minute", sa.BigInteger(), primary_key=True),
    sa.Column("part", sa.Integer(), primary_key=True, server_default="0"),
    sa.Column("source", sa.String(32), nullable=False),
    sa.Column("customer_id", sa.String(255), nullable=False),
    sa.Column("images", sa.Integer(), nullable=False),
    # When the last of them was had, which is when the provider is told they were; unset: when the
    # minute began. A subscription may be charged for them only since the middle of the minute.
    time_column("had_at", nullable=True),
    time_column("created_at"),
    # When it was first told under its key, whose outcome may be unknown; when it was known to be.
    time_column("asked_at", nullable=True),
    time_column("told_at", nullable=True),
    time_column("due_at", nullable=True),
    sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
    sa.CheckConstraint("images > 0", name="ck_staging_metering_images"),
    index("ix_staging_metering_due", "due_at", only="due_at IS NOT NULL"),
)
