"""CPU of an address that S3 takes: signed by the storage, and had from the API.

Signing is measured against bare signature version 4. The routes, presign of an upload and of an
image's original, are called in this process, without a server; their floor is an ASGI application
that writes, or reads, the same rows with the bare driver in one transaction and signs barely. It
does not look whether the original is still there, as the route does, by a request to the storage.
All take turns. That both signatures are good is shown to an S3 that checks them. No gate: subject
and floor are the route of an upload's.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen
from uuid import uuid4

import msgspec

from benchmarks.asgi_call import App, call, request
from benchmarks.bare_signature import BareSignature
from benchmarks.deployment import environment
from benchmarks.engine import cpu_s
from benchmarks.http import SETTINGS, answered, bare_image
from benchmarks.instant import tiny_photo
from benchmarks.places import PostgresPlace, places
from benchmarks.result import Result, peak_rss_mb
from staging_core import OWNER, Staging
from staging_core.interfaces import PresignsDownloads, PresignsUploads, supports
from staging_core.models import DownloadGrant, Principal, UploadGrant
from staging_core.testing.s3 import S3Process
from staging_embed import staging_app

_A_TURN = 50
_EXPIRES_S = 900
_TYPE = "image/jpeg"
_HEADERS = {"Content-Type": _TYPE, "Cache-Control": "public, max-age=31536000, immutable"}
_ANNOUNCED = {"filename": "living room.jpg", "content_type": _TYPE, "file_size": 4_000_000}
_INTEND = (
    "INSERT INTO staging_files (key, account_id, kind, expires_at, created_at)"
    " VALUES ($1, $2, 'upload', $3, $4)"
)
_ADD = (
    "INSERT INTO staging_uploads (id, account_id, key, url, filename, content_type, size,"
    " signed_until, expires_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
)

Act = Callable[[], Awaitable[Any]]


def options(parser: argparse.ArgumentParser) -> None:
    """How much."""
    parser.add_argument("--n", type=int, default=1000, help="of each (1000)")


def run(chosen: argparse.Namespace) -> Result:
    """Turns of all, fifty each; the median turn counts."""
    with (
        tempfile.TemporaryDirectory() as home,
        places("postgresql", Path(home)) as (place,),
        S3Process() as bucket,
        environment(**bucket.secrets),
    ):
        assert isinstance(place, PostgresPlace)
        found = asyncio.run(_measured(place, bucket, Path(home), chosen.n))
    subject, floor = found["route_put_us"], found["bare_route_put_us"]
    return Result(
        name="presign",
        unit="us CPU",
        subject=subject,
        floor=floor,
        ratio=subject / floor,
        cpu_us=subject,
        rss_mb=peak_rss_mb(),
        n=chosen.n,
        details={
            **found,
            **{
                f"{name}_ratio": found[f"{name}_us"] / found[f"bare_{name}_us"]
                for name in ("sign_put", "sign_get", "route_put", "route_get")
            },
        },
    )


async def _measured(
    place: PostgresPlace, bucket: S3Process, home: Path, n: int
) -> dict[str, float]:
    import asyncpg

    async with AsyncExitStack() as stack:
        settings = {"stager": "fake:", "plugins": (), "worker": False, **place.settings}
        storage = bucket.url("photos", "bench")
        staging = await stack.enter_async_context(Staging(home=home, storage=storage, **settings))
        pool = await stack.enter_async_context(asyncpg.create_pool(place.where))
        bare = BareSignature(
            f"{bucket.endpoint_url}/photos/bench/",
            key_id=bucket.secrets["AWS_ACCESS_KEY_ID"],
            secret=bucket.secrets["AWS_SECRET_ACCESS_KEY"],
            region="us-east-1",
        )
        acts = {
            **_signing(staging, bare),
            **await _routes(staging, bare, pool),
        }
        await _check(acts)
        return await _turns(acts, n)


def _signing(staging: Staging, bare: BareSignature) -> dict[str, Act]:
    puts = supports(staging.ports.storage, PresignsUploads)
    gets = supports(staging.ports.storage, PresignsDownloads)
    assert puts is not None
    assert gets is not None
    key = "uploads/elm/in/0123456789abcdef0123456789abcdef.jpg"
    cached = _HEADERS["Cache-Control"]
    upload = UploadGrant(key=key, content_type=_TYPE, max_bytes=1 << 22, cache_control=cached)
    download = DownloadGrant(key=key, expires_s=_EXPIRES_S, content_type=_TYPE)

    async def sign_put() -> str:
        return (await puts.presign_upload(upload)).url

    async def sign_get() -> str:
        return await gets.presign_download(download)

    async def bare_put() -> str:
        return bare.put(key, _HEADERS, expires_s=_EXPIRES_S)

    async def bare_get() -> str:
        return bare.get(key, {"response-content-type": _TYPE}, expires_s=_EXPIRES_S)

    return {
        "sign_put": sign_put,
        "bare_sign_put": bare_put,
        "sign_get": sign_get,
        "bare_sign_get": bare_get,
    }


async def _routes(staging: Staging, bare: BareSignature, pool: Any) -> dict[str, Act]:
    group = await staging.acting_as(OWNER).images.submit(
        tiny_photo(), room="bedroom", style="modern"
    )
    image, role = group.images[0], staging.settings.database_app_role

    def original(row: Any) -> bytes:
        said = {"response-content-type": row["original_type"]}
        return _url(bare.get(image.original_key, said, expires_s=3600))

    ours: App = staging_app(staging, principal=_owner, include={"images", "uploads", "pictures"})
    announce = request("POST", "/api/v1/uploads/presign")
    look = request("GET", f"/api/v1/images/{image.id}/presign")
    body = msgspec.json.encode(_ANNOUNCED)
    bare_put, bare_get = _bare_upload(pool, role, bare), bare_image(pool, role, original)

    def called(app: App, scope: dict[str, Any], body: bytes = b"") -> Act:
        async def act() -> str:
            answer = msgspec.json.decode(await call(app, scope, body))
            return str(answer.get("upload_url") or answer["url"])

        return act

    return {
        "route_put": called(ours, announce, body),
        "bare_route_put": called(bare_put, announce, body),
        "route_get": called(ours, look),
        "bare_route_get": called(bare_get, look),
    }


async def _owner(_: Any) -> Principal:
    return OWNER


def _bare_upload(pool: Any, role: str, bare: BareSignature) -> App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        asked = msgspec.json.decode((await receive())["body"])
        key = f"uploads/elm/in/{secrets.token_hex(16)}.jpg"
        url = bare.put(key, _HEADERS, expires_s=_EXPIRES_S)
        now, who = time.time(), OWNER.account_id
        until = now + _EXPIRES_S
        said = (asked["filename"], asked["content_type"], asked["file_size"])
        row = (str(uuid4()), who, key, url.partition("?")[0], *said, until, until + 86400, now)
        async with pool.acquire() as connection, connection.transaction():
            await connection.fetchrow(SETTINGS, role, who, "off")
            await connection.execute(_INTEND, key, who, until + 86400, now)
            await connection.execute(_ADD, *row)
        await answered(send, _url(url))

    return app


def _url(url: str) -> bytes:
    return msgspec.json.encode({"url": url})


async def _check(acts: Mapping[str, Act]) -> None:
    """Every address opens what it says, at an S3 that checks signatures."""
    for name in sorted(acts, key=lambda name: "get" in name):  # first put, then get
        await asyncio.to_thread(_open, await acts[name](), put="put" in name)


def _open(url: str, *, put: bool) -> None:
    assert urlsplit(url).hostname == "127.0.0.1"
    asked = Request(url, data=b"photo", headers=_HEADERS, method="PUT") if put else Request(url)  # noqa: S310
    with urlopen(asked, timeout=30) as answer:  # noqa: S310
        assert answer.status == 200


async def _turns(acts: Mapping[str, Act], n: int) -> dict[str, float]:
    """Microseconds of CPU of each."""
    spent: dict[str, list[float]] = {name: [] for name in acts}
    for turn in range(1 + max(1, n // _A_TURN)):
        for name, act in acts.items():
            before = cpu_s()
            for _ in range(_A_TURN):
                await act()
            if turn:  # the first is for warming up
                spent[name].append((cpu_s() - before) / _A_TURN * 1e6)
    return {f"{name}_us": median(times) for name, times in spent.items()}
