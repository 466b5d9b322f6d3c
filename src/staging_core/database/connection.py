"""A connection to PostgreSQL that begins a transaction, its role and its account in one message.

SQLAlchemy's driver begins a transaction by itself, in a message of its own before the first
statement. Here ``begin`` has done so already, and what SQLAlchemy starts is only the end of it.
"""

from __future__ import annotations

from typing import Any

import asyncpg


class Connection(asyncpg.Connection):  # type: ignore[misc] # asyncpg's types are not told
    """``begin`` before the first statement of every transaction."""

    async def begin(self, *settings: tuple[str, str]) -> None:
        """Begin a transaction; ``settings`` are names and values that hold until its end."""
        # Whoever was cut short here left one behind.
        left = "ROLLBACK; " if self.is_in_transaction() else ""
        chosen = ", ".join(f"set_config('{name}', {_text(to)}, true)" for name, to in settings)
        await self.execute(f"{left}BEGIN" + (f"; SELECT {chosen}" if chosen else ""))

    def transaction(self, **_: Any) -> _Begun:
        """For SQLAlchemy: the end of what ``begin`` has begun."""
        return _Begun(self)


class _Begun:
    """What SQLAlchemy knows of a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def start(self) -> None:
        """It has begun, unless nobody has said ``begin`` (a pool that tries a new connection)."""
        if not self._connection.is_in_transaction():
            await self._connection.begin()

    async def commit(self) -> None:
        """Make it so."""
        await self._connection.execute("COMMIT")

    async def rollback(self) -> None:
        """Nothing of it was."""
        await self._connection.execute("ROLLBACK")


def _text(value: str) -> str:
    """An expression for any text, whatever the server takes for a quote or an escape."""
    return f"convert_from(decode('{value.encode().hex()}', 'hex'), 'UTF8')"
