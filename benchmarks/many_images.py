"""Rows as if an account had staged so many images, written by the database itself in seconds."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from contextlib import closing
from typing import Any

from benchmarks.places import Place

QUEUED = 100
"""Of all images, the newest ones wait in the queue; the others are ready."""

EVENTS = 3
"""Rows of the event log for one image."""

PROJECT = "listing"
"""All images are in it."""

_SERIES = (
    "WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < {images}) "
)
# Ids are spread over the whole index, as random ones are; times are a second apart.
_STATEMENTS = (
    "INSERT INTO staging_accounts (id, position, queued, in_flight, served_at, created_at)"
    " VALUES ('local', {images} * {events}, {queued}, 0, 0, 1000000000)",
    "INSERT INTO staging_originals (id, account_id, sha256, key, working_key, content_type, width,"
    " height, created_at) {series} SELECT md5('o' || n), 'local', md5('a' || n) || md5('b' || n),"
    " 'uploads/l/' || md5('o' || n), 'working/l/' || md5('o' || n), 'image/png', 96, 64,"
    " 1000000000 + n FROM series WHERE n % 20 = 1",
    "INSERT INTO staging_groups (id, account_id, original_id, fingerprint, quote, created_at)"
    " {series} SELECT md5('g' || n), 'local', md5('o' || (n - (n - 1) % 20)), md5('f' || n),"
    " '{{}}', 1000000000 + n FROM series",
    "INSERT INTO staging_projects (id, account_id, user_id, name, created_at)"
    " VALUES ('listing', 'local', 'owner', 'All of them', 1000000000)",
    "INSERT INTO staging_images (id, account_id, group_id, original_id, project_id, style, variant,"
    " request, job_id, staged_key, content_type, width, height, sha256, created_at) {series}"
    " SELECT md5('i' || n), 'local', md5('g' || n), md5('o' || (n - (n - 1) % 20)), 'listing',"
    " CASE WHEN n % 10 = 1 THEN 'japandi' ELSE 'modern' END, 0,"
    """ '{{"room":"bedroom","style":"modern","seed":1,"variant":0}}', md5('j' || n),"""
    " 'staged/l/' || md5('i' || n), 'image/png', 96, 64, md5('s' || n), 1000000000 + n FROM series",
    "INSERT INTO staging_words (account_id, word, created_at, image_id) {series}"
    " SELECT 'local', w.word, 1000000000 + n, md5('i' || n) FROM series,"
    " (SELECT 'armchair' AS word UNION ALL SELECT 'arches') AS w"
    " WHERE w.word = 'armchair' OR n % 10 = 1",
    "INSERT INTO staging_jobs (id, account_id, image_id, group_id, project_id, state, model, lane,"
    " due_at, attempts, seq, timings_ms, report, created_at, updated_at, finished_at) {series}"
    " SELECT md5('j' || n), 'local', md5('i' || n), md5('g' || n), 'listing',"
    " CASE WHEN n > {images} - {queued} THEN 'queued' ELSE 'ready' END, 'instant', 'default',"
    """ 1000000000 + n, 1, {events}, '{{"prepare":1.5,"stage":900.0,"verify":20.0}}', '{{}}',"""
    " 1000000000 + n, 1000000001 + n, 1000000001 + n FROM series",
    "INSERT INTO staging_attempts (id, account_id, job_id, number, state, model, deadline,"
    " started_at, finished_at) {series} SELECT md5('t' || n), 'local', md5('j' || n), 1,"
    " 'succeeded', 'instant', 1000000300 + n, 1000000000 + n, 1000000001 + n FROM series"
    " WHERE n <= {images} - {queued}",
    "INSERT INTO staging_events (account_id, position, job_id, image_id, group_id, seq, type,"
    " state, data, at) {series} SELECT 'local', (n - 1) * {events} + e.seq, md5('j' || n),"
    " md5('i' || n), md5('g' || n), e.seq, 'state', 'queued', '{{}}', 1000000000 + n"
    " FROM series, (SELECT 1 AS seq UNION ALL SELECT 2 UNION ALL SELECT 3) AS e",
)

# Those that hold no constraint.
_INDEXES = (
    "SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS made_by"
    " FROM pg_index JOIN pg_class ON pg_class.oid = indrelid"
    " WHERE NOT indisunique AND pg_class.relname LIKE 'staging\\_%'"
)


def image_id(number: int) -> str:
    """The id of the image of that number, 1 the oldest."""
    return _md5(f"i{number}")


def job_id(number: int) -> str:
    """The id of its job."""
    return _md5(f"j{number}")


async def add_images(place: Place, images: int) -> None:
    """The rows of so many images into an installation that has none."""
    numbers = {"images": images, "queued": QUEUED, "events": EVENTS}
    series = _SERIES.format(**numbers)
    statements = [each.format(series=series, **numbers) for each in _STATEMENTS]
    if place.kind == "sqlite":
        await asyncio.to_thread(_fill_sqlite, place.where, statements)
    else:
        await _fill_postgres(place.where, statements)


def _fill_sqlite(file: str, statements: list[str]) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.create_function("md5", 1, _md5, deterministic=True)
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-400000")
        connection.execute("BEGIN")
        for statement in statements:
            connection.execute(statement)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def _fill_postgres(address: str, statements: list[str]) -> None:
    import asyncpg

    connection: Any = await asyncpg.connect(address)
    try:
        # Without looking at foreign keys, row by row, and with indexes made of all rows at once;
        # what autovacuum would do comes at the end.
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("SET maintenance_work_mem = '256MB'")
        indexes = await connection.fetch(_INDEXES)
        without = [f"DROP INDEX {each['name']}" for each in indexes]
        again = [each["made_by"] for each in indexes]
        for statement in [*without, *statements, *again, "VACUUM ANALYZE", "CHECKPOINT"]:
            await connection.execute(statement, timeout=1800)
    finally:
        await connection.close()


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
