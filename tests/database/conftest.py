"""Installations on a database of choice, without a worker of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from staging_core import Staging

Install = Callable[..., Staging]


@pytest.fixture
def install(tmp_path: Path, database: dict[str, Any]) -> Install:
    """Builds a ``Staging`` that only works when told to."""

    def build(**settings: Any) -> Staging:
        settings = {"plugins": (), "stager": "fake:", **database, **settings}
        return Staging(home=tmp_path / "home", worker=False, **settings)

    return build
