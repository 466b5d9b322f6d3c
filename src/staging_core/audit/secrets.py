"""I10: no secret stands in what users, operators or plugins are shown of a row."""

from __future__ import annotations

import sqlalchemy as sa

from staging_core.database import tables
from staging_core.database.engine import Transaction

from .violation import Violation

_SHOWN: tuple[tuple[sa.Table, str, str], ...] = (
    (tables.jobs, "id", "message"),
    (tables.jobs, "id", "report"),
    (tables.attempts, "id", "message"),
    (tables.events, "job_id", "data"),
    (tables.outbox, "id", "payload"),
    (tables.webhook_deliveries, "id", "payload"),
    (tables.webhook_attempts, "delivery_id", "error"),
)
_SIGNED = "X-Amz-Signature="
"""In an address that opens an object to whoever reads it."""


_TEXTS = sa.union_all(
    *(
        sa.select(
            sa.literal_column(str(place)).label("place"),
            table.c[name].label("subject"),
            sa.cast(table.c[column], sa.Text).label("text"),
        ).where(table.c[column].is_not(None))
        for place, (table, name, column) in enumerate(_SHOWN)
    )
)


async def told_secrets(tx: Transaction, secrets: tuple[str, ...]) -> list[Violation]:
    """Rows with one of the secrets, or with a signed address."""
    # Looked for here and not by the database: a query would carry them into its log.
    return [
        Violation("I10", f"A secret stands in {column} of {table.name}.", row["subject"])
        async for row in tx.each(_TEXTS)
        if any(told in row["text"] for told in (*secrets, _SIGNED))
        for table, _, column in [_SHOWN[row["place"]]]
    ]
