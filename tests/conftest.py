"""For suites that hold for the library and for its server: each test acts in both ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest

from staging_core import Staging

from .served import Served


@pytest.fixture(params=["in the process", "over HTTP"])
def way(request: pytest.FixtureRequest) -> str:
    """How an installation is acted upon."""
    return str(request.param)


@pytest.fixture
def acted_upon(way: str) -> Callable[[Staging], Staging]:
    """Gives an installation whose ``acting_as`` goes that way."""
    return (lambda staging: cast(Staging, Served(staging))) if way == "over HTTP" else _as_it_is


def _as_it_is(staging: Staging) -> Staging:
    return staging
