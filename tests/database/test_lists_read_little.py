"""SQLite without statistics, as an installation has it: no list looks an account's images through.

What SQLite would do is asked of SQLite, for the very statements that lists send.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from staging_core import OWNER, Staging
from staging_core.acting import Acting

from .photos import photo

List = Callable[[Acting, str], Awaitable[object]]
LISTS: dict[str, List] = {
    "newest": lambda me, _: me.images.page(),
    "of a project": lambda me, project: me.images.page(project_id=project),
    "of a state": lambda me, _: me.images.page(status="ready"),
    "of a state in a project": lambda me, project: me.images.page(
        project_id=project, status="ready"
    ),
    "of a style": lambda me, _: me.images.page(style="modern"),
    "of a word": lambda me, _: me.images.page(search="arch"),
    "by original": lambda me, project: me.images.by_original(project),
    "three originals": lambda me, project: me.images.by_original(project, limit=3),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_a_range_in_its_order_or_looks_up_each_row(name: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        settings: dict[str, Any] = {"stager": "fake:", "plugins": (), "worker": False}
        async with Staging(home=tmp_path, **settings) as staging:
            me = staging.acting_as(OWNER)
            project = await me.projects.create("Elm Street")
            for number in range(4):
                await me.images.submit(
                    photo(number), room="bedroom", style="modern", project_id=project.id
                )
            with sent(staging) as statements:
                await LISTS[name](me, project.id)
        with closing(sqlite3.connect(tmp_path / "staging.db")) as database:
            for statement, values in statements:
                steps = plan(database, statement, values)
                sorts = any("TEMP B-TREE" in step for step in steps)
                for step in steps:
                    is_the_range = name == "newest" and not sorts
                    assert is_the_range or not looks_through(step), (step, statement)

    asyncio.run(scenario())


@contextmanager
def sent(staging: Staging) -> Iterator[list[tuple[str, Any]]]:
    """The reading statements that are sent while the block runs."""
    found: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, values: Any, *rest: Any) -> None:
        if statement.startswith(("SELECT", "WITH")):
            found.append((statement, values))

    engine = staging.ports.database.engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def plan(database: sqlite3.Connection, statement: str, values: Any) -> list[str]:
    """What SQLite would do, step by step."""
    return [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {statement}", values)]


def looks_through(step: str) -> bool:
    """Whether a step reads rows of images that nobody asked for, to sort or to sift them later."""
    of_images = "staging_images" in step or " other " in step
    return of_images and (step.startswith("SCAN") or step.endswith("(account_id=?)"))
