"""An installation whose accounts pay a provider that is in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from staging_core import Staging
from staging_core.testing import FakeProvider, paying

Shop = Callable[..., Staging]

PLANS = {
    "free": {"images": 10},
    "pro": {"images": 100, "price_cents": 2900, "price_ids": ["pro_now", "pro_before"]},
    "business": {"images": 500, "price_cents": 9900, "price_ids": ["business_now"]},
    "euro": {"images": 500, "price_cents": 9900, "currency": "eur", "price_ids": ["euro_now"]},
}
PACKS = {"ten": {"credits": 10, "price_cents": 900, "price_ids": ["ten_now"]}}
MANY = tuple(f"pack_{number}" for number in range(30))
AMOUNTS = {
    **dict.fromkeys(MANY, 100),
    "pro_now": 2900,
    "business_now": 9900,
    "euro_now": 9900,
    "ten_now": 900,
    "pro_made": 2900,
}


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider(AMOUNTS)


@pytest.fixture
def shop(
    tmp_path: Path,
    database: dict[str, Any],
    acted_upon: Callable[[Staging], Staging],
    provider: FakeProvider,
) -> Shop:
    """Builds the installation, the same one each time."""

    def build(**settings: Any) -> Staging:
        given: dict[str, Any] = {
            "billing": paying(provider, source="stripe"),
            "plans": PLANS,
            "packs": PACKS,
            "public_url": "https://staging.example",
            "plugins": (),
            "worker": False,
            **database,
            **settings,
        }
        return acted_upon(Staging(home=tmp_path / "home", stager="fake:", **given))

    return build
