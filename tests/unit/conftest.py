"""Throw-away distributions on disk, so that the real entry points are read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from textwrap import dedent

import pytest

Install = Callable[..., str]


@pytest.fixture
def anyio_backend() -> str:
    """Tests that are ``async def`` run on asyncio."""
    return "asyncio"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """``install(source, name="acme", ...)`` puts a distribution on the path; gives its module.

    ``hookimpl``, ``Provider`` and ``Command`` are imported in it already.
    """
    numbers = count()
    modules = []

    def put(source: str, *, name: str = "acme", distribution: str = "acme-staging") -> str:
        module = f"throw_away_{next(numbers)}"
        place = tmp_path / module
        info = place / f"{distribution.replace('-', '_')}-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n"
        )
        (info / "entry_points.txt").write_text(f"[staging]\n{name} = {module}\n")
        imports = (
            "from staging_core.hookspecs import hookimpl\n"
            "from staging_core.models import Command, Provider\n"
        )
        (place / f"{module}.py").write_text(imports + dedent(source))
        monkeypatch.syspath_prepend(str(place))
        modules.append(module)
        return module

    yield put
    for module in modules:
        sys.modules.pop(module, None)
