"""An installation for each test: a real database, real files, the fake stager, no worker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from staging_core import Staging

Install = Callable[..., Staging]


@pytest.fixture
def install(tmp_path: Path, database: dict[str, Any]) -> Install:
    """Builds a ``Staging`` in this test's folder; the same one each time."""

    def build(stager: object = "fake:", **settings: Any) -> Staging:
        settings = {"plugins": (), "worker": False, **database, **settings}
        return Staging(home=tmp_path / "home", stager=stager, **settings)

    return build
