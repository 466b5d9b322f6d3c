"""CPU of a GET that reads one row, against bare ASGI with the bare driver.

The floor is an ASGI application that begins a transaction, sets role and account, reads the same
row by the same query and answers it as JSON. Both are called in this process, without a server,
which would cost both the same; they take turns. Gate: 2.5 times the floor's CPU.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
from sqlalchemy.dialects import postgresql

from benchmarks.asgi_call import App, call, request
from benchmarks.engine import cpu_s
from benchmarks.instant import tiny_photo
from benchmarks.places import PostgresPlace, places
from benchmarks.result import Result, peak_rss_mb
from staging_core import OWNER, Principal, Staging
from staging_core.database.images import seen
from staging_core.database.tables import images
from staging_embed import staging_app

TIMES = 2.5
_A_TURN = 100
SETTINGS = (
    "SELECT set_config('role', $1, true), set_config('staging.account', $2, true),"
    " set_config('transaction_read_only', $3, true)"
)


def options(parser: argparse.ArgumentParser) -> None:
    """How much."""
    parser.add_argument("--n", type=int, default=2000, help="requests of each (2000)")


def run(chosen: argparse.Namespace) -> Result:
    """Turns of both, a hundred requests each; the median turn counts."""
    with tempfile.TemporaryDirectory() as home, places("postgresql", Path(home)) as (place,):
        assert isinstance(place, PostgresPlace)
        subject, floor = asyncio.run(_measured(place, Path(home), chosen.n))
    times = subject / floor
    return Result(
        name="http",
        unit="us CPU",
        subject=subject,
        floor=floor,
        ratio=times,
        cpu_us=subject,
        rss_mb=peak_rss_mb(),
        n=chosen.n,
        errors=[] if times <= TIMES else [f"{times:.2f} times the floor, {TIMES:g} allowed"],
    )


async def _measured(place: PostgresPlace, home: Path, n: int) -> tuple[float, float]:
    import asyncpg

    async with AsyncExitStack() as stack:
        settings = {"stager": "fake:", "plugins": (), "worker": False, **place.settings}
        staging = await stack.enter_async_context(Staging(home=home, **settings))
        me = staging.acting_as(OWNER)
        group = await me.images.submit(tiny_photo(), room="bedroom", style="modern")
        image_id = group.images[0].id
        pool = await stack.enter_async_context(asyncpg.create_pool(place.where))
        ours: App = staging_app(staging, principal=_owner, include={"images"})
        bare = bare_image(pool, staging.settings.database_app_role, _as_json)
        scope = request("GET", f"/api/v1/images/{image_id}")
        spent: tuple[list[float], list[float]] = ([], [])
        for turn in range(1 + n // _A_TURN):
            for app, each in zip((ours, bare), spent, strict=True):
                before = cpu_s()
                for _ in range(_A_TURN):
                    await call(app, scope)
                if turn:  # the first is for warming up
                    each.append((cpu_s() - before) / _A_TURN * 1e6)
    return median(spent[0]), median(spent[1])


async def _owner(_: Any) -> Principal:
    return OWNER


def bare_image(pool: Any, role: str, answer: Callable[[Any], bytes]) -> App:
    """The floor: an image's row, read by our query; ``answer`` makes the body of it."""
    query = seen(OWNER.account_id).where(images.c.id == "of_image")
    compiled = query.compile(dialect=postgresql.asyncpg.dialect())  # type: ignore[no-untyped-call]
    values = [compiled.params[name] for name in compiled.positiontup or ()]
    place = values.index("of_image")
    text = str(compiled)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        values[place] = scope["path"].split("/")[4]
        async with pool.acquire() as connection, connection.transaction():
            await connection.fetchrow(SETTINGS, role, OWNER.account_id, "on")
            row = await connection.fetchrow(text, *values)
        await answered(send, answer(row))

    return app


async def answered(send: Any, body: bytes) -> None:
    """200 with a JSON body."""
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _as_json(row: Any) -> bytes:
    return msgspec.json.encode(dict(row))
