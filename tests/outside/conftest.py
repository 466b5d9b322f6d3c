"""An installation for each test whose accounts have their credits elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from staging_core import Staging

from .service import Service

Install = Callable[..., Staging]

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def service() -> Service:
    return Service(credits=10)


@pytest.fixture
def install(tmp_path: Path, database: dict[str, Any], service: Service) -> Install:
    """Builds a ``Staging`` in this test's folder; the same one each time."""

    def build(stager: object = "fake:", **settings: Any) -> Staging:
        settings = {"billing": service, "plugins": (), "worker": False, **database, **settings}
        return Staging(home=tmp_path / "home", stager=stager, **settings)

    return build
