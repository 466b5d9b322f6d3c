"""What the processes of an installation share."""

from __future__ import annotations

import sqlalchemy as sa

from .base import metadata, time_column

leases = sa.Table(
    "staging_leases",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("owner", sa.String(64), nullable=False),
    time_column("lease_until"),
)

observers = sa.Table(
    "staging_observers",
    metadata,
    sa.Column("plugin", sa.String(255), primary_key=True),
    sa.Column("account_id", sa.String(255), sa.ForeignKey("staging_accounts.id"), primary_key=True),
    sa.Column("position", sa.BigInteger(), nullable=False),
    sa.Column("due_at", sa.Double(), nullable=False, server_default="0"),
    # The same for events of money.
    sa.Column("billing_position", sa.BigInteger(), nullable=False, server_default="0"),
    sa.Column("billing_due_at", sa.Double(), nullable=False, server_default="0"),
)
