"""An installation for each test: a real database, real files, the fake stager, no worker.

It is acted upon as it is, and over HTTP through a real server: what holds here holds there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from staging_core import Staging

Install = Callable[..., Staging]

in_the_process = pytest.mark.parametrize("way", ["in the process"], indirect=True)
"""For what has no place over HTTP, or looks inside."""


@pytest.fixture
def install(
    tmp_path: Path, database: dict[str, Any], acted_upon: Callable[[Staging], Staging]
) -> Install:
    """Builds a ``Staging`` in this test's folder; the same one each time."""

    def build(stager: object = "fake:", **settings: Any) -> Staging:
        settings = {"plugins": (), "worker": False, **database, **settings}
        return acted_upon(Staging(home=tmp_path / "home", stager=stager, **settings))

    return build
