"""Everything that an account has here as one zip file, made while it is sent.

``account.json`` says what it is, ``rows/NAME.jsonl`` has the rows of a table, one JSON object a
line, without secrets, and ``pictures/`` the originals and staged pictures. It is no snapshot: what
changes while it is made may be in it in part.
"""

from __future__ import annotations

import zipfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import msgspec
import sqlalchemy as sa

from .archive import Sink, add_pictures
from .database import account_rows
from .ports import Ports

_PAGE = 500
_PREFIX = "staging_"


async def export(ports: Ports, account_id: str) -> AsyncIterator[bytes]:
    """The zip in chunks."""
    sink = Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as target:
        async with ports.database.read(account_id) as tx:
            told = {"account_id": account_id, "exported_at": tx.now, "times": "Unix seconds"}
        target.writestr("account.json", msgspec.json.encode(told))
        for table in account_rows.exported():
            name = f"rows/{table.name.removeprefix(_PREFIX)}.jsonl"
            with target.open(name, "w", force_zip64=True) as file:
                async with aclosing(_rows(ports, table, account_id)) as rows:
                    async for lines in rows:
                        file.write(lines)
                        yield sink.take()
        pictures = add_pictures(ports, target, account_id, folder="pictures/")
        async with aclosing(pictures) as written:
            async for _ in written:
                yield sink.take()
    yield sink.take()


async def _rows(ports: Ports, table: sa.Table, account_id: str) -> AsyncGenerator[bytes]:
    """The account's rows of a table as lines, a page at a time."""
    after: tuple[Any, ...] | None = None
    while True:
        async with ports.database.read(account_id) as tx:
            rows = await account_rows.page(tx, table, account_id, after=after, limit=_PAGE)
        yield b"".join(msgspec.json.encode(dict(row)) + b"\n" for row in rows)
        if len(rows) < _PAGE:
            return
        after = account_rows.key_of(table, rows[-1])
