"""Engines that share what they compile still give each its own answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from staging_core.testing.compiled_sql import CompiledSql, shared_compiled_sql

things = sa.Table("things", sa.MetaData(), sa.Column("n", sa.Integer), sa.Column("j", sa.JSON))


@pytest.fixture
def shared() -> Iterator[CompiledSql]:
    with shared_compiled_sql() as compiled:
        yield compiled


@contextmanager
def connected(home: Path, **choices: Any) -> Iterator[sa.Connection]:
    """A new engine of the one file."""
    engine = sa.create_engine(f"sqlite:///{home}/things.db", **choices)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def test_a_statement_is_compiled_for_the_first_engine_and_holds_for_the_next(
    tmp_path: Path, shared: CompiledSql
) -> None:
    with connected(tmp_path) as first:
        things.create(first)
        first.execute(sa.insert(things), [{"n": 1}, {"n": 2}])
        assert first.scalars(sa.select(things.c.n).where(things.c.n > 1)).all() == [2]
    known = len(shared)
    assert known > 0
    with connected(tmp_path) as second:
        assert second.scalars(sa.select(things.c.n).where(things.c.n > 0)).all() == [1, 2]
    assert len(shared) == known


def test_engines_that_read_and_write_json_in_their_own_ways_go_on_doing_so(
    tmp_path: Path, shared: CompiledSql
) -> None:
    with connected(tmp_path) as plain:
        things.create(plain)
        plain.execute(sa.insert(things), {"n": 1, "j": {"a": 1}})
    with connected(tmp_path, json_deserializer=str.upper) as loud:
        assert loud.scalar(sa.select(things.c.j)) == '{"A": 1}'
    with connected(tmp_path) as plain:
        assert plain.scalar(sa.select(things.c.j)) == {"a": 1}


def test_after_the_block_engines_compile_for_themselves_again(tmp_path: Path) -> None:
    with shared_compiled_sql() as compiled:
        pass
    with connected(tmp_path) as alone:
        alone.execute(sa.select(sa.literal(1)))
    assert compiled == {}
