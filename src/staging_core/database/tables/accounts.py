"""Accounts, who is in them, and what they have used."""

from __future__ import annotations

import sqlalchemy as sa

from .base import Json, account_column, id_column, index, metadata, time_column

accounts = sa.Table(
    "staging_accounts",
    metadata,
    sa.Column("id", sa.String(255), primary_key=True),
    sa.Column("position", sa.BigInteger(), nullable=False, server_default="0"),
    # Of its billing events, as ``position`` is of those of its jobs.
    sa.Column("billing_position", sa.BigInteger(), nullable=False, server_default="0"),
    # Counted with the events that tell of it, so that nobody ever counts jobs.
    sa.Column("queued", sa.Integer(), nullable=False, server_default="0"),
    sa.Column("in_flight", sa.Integer(), nullable=False, server_default="0"),
    # Of its plan, when it ordered last; and where its next turn stands among all, see ``turns``.
    sa.Column("weight", sa.Integer(), nullable=False, server_default="1"),
    sa.Column("turn", sa.BigInteger(), nullable=False, server_default="0"),
    # Turns of versions before; they may still write it.
    sa.Column("served_at", sa.Double(), nullable=False, server_default="0"),
    sa.Column("load", sa.Double(), nullable=False, server_default="0"),
    # Told with every position, so that an account without endpoints costs no further question.
    sa.Column("webhook_endpoints", sa.Integer(), nullable=False, server_default="0"),
    time_column("created_at"),
    # Set: it is being deleted.
    time_column("closing_at", nullable=True),
    index("ix_staging_accounts_closing", "closing_at", only="closing_at IS NOT NULL"),
    index("ix_staging_accounts_next", "turn", "id", only="queued > 0"),
)

users = sa.Table(
    "staging_users",
    metadata,
    # One row for one person in one account: an id of ours, or what the host calls them.
    account_column(),
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
    sa.Column("billing_address", Json),
    sa.Column("profile_photo_url", sa.String(2048)),
    sa.Column("preferences", Json, nullable=False, server_default="{}"),
    sa.Column("stripe_customer_id", sa.String(255)),
    time_column("created_at"),
    time_column("updated_at"),
    time_column("last_seen_at"),
    sa.PrimaryKeyConstraint("account_id", "id"),
    sa.UniqueConstraint("issuer", "subject", "account_id"),
    sa.Index("ix_staging_users_page", "created_at", "id"),
)

api_keys = sa.Table(
    "staging_api_keys",
    metadata,
    id_column(primary_key=True),
    account_column(),
    sa.Column("user_id", sa.String(255), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    # How it begins, to tell keys apart; the key itself is kept nowhere, only its hash.
    sa.Column("prefix", sa.String(32), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, info={"secret": True}),
    sa.Column("scopes", Json, nullable=False),
    sa.Column("expires_at", sa.Double()),
    sa.Column("revoked_at", sa.Double()),
    sa.Column("last_used_at", sa.Double()),
    # The key that it was made with, if its maker was no person signed in; it goes with that one.
    sa.Column("made_by", sa.String(64)),
    time_column("created_at"),
    sa.UniqueConstraint("digest"),
    sa.ForeignKeyConstraint(
        ["account_id", "user_id"], ["staging_users.account_id", "staging_users.id"]
    ),
    sa.Index("ix_staging_api_keys_page", "account_id", "created_at", "id"),
    sa.Index("ix_staging_api_keys_made_by", "account_id", "made_by"),
)

tickets = sa.Table(
    "staging_tickets",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True, info={"secret": True}),
    account_column(),
    sa.Column("user_id", sa.String(255), nullable=False),
    sa.Column("expires_at", sa.Double(), nullable=False, index=True),
    # What its maker had signed in with: the key, and until when that or the token opens anything.
    sa.Column("key_id", sa.String(64)),
    sa.Column("sign_in_expires_at", sa.Double()),
)

creations = sa.Table(
    "staging_creations",
    metadata,
    # What a call under an idempotency key has created, or is at.
    sa.Column("account_id", sa.String(255), sa.ForeignKey("staging_accounts.id"), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("route", sa.String(64), nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("created", Json),
    time_column("running_until"),
    sa.Column("expires_at", sa.Double(), nullable=False, index=True),
)

usage = sa.Table(
    "staging_usage",
    metadata,
    # Images that became ready in a period: a calendar month (UTC, as 2026-01), or one of a
    # subscription, by its first day (as 2026-01-15). Never fewer.
    sa.Column("account_id", sa.String(255), sa.ForeignKey("staging_accounts.id"), primary_key=True),
    sa.Column("month", sa.String(10), primary_key=True),
    sa.Column("images", sa.Integer(), nullable=False),
)
