"""What can be asked for: rooms and styles, and the models that are open here."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from staging_core.models import ROOMS, STYLES

from .house import API, as_own, house, photo

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
OLD_ROOMS = {
    *("living_room", "bedroom", "kitchen", "bathroom"),
    *("dining_room", "office", "entryway", "outdoor"),
}
OLD_STYLES = {"modern", "contemporary", "traditional", "industrial", "scandinavian"}


@both
def test_it_names_what_old_clients_send_and_the_model_that_they_get(
    tmp_path: Path, database: dict[str, Any]
) -> None:
    async def scenario() -> None:
        stagers = ("fake:one", "fake:two")
        async with house(tmp_path, stager=stagers, **database) as (staging, client):

            async def told() -> dict[str, Any]:
                answer = await client.get(f"{API}/catalog", headers=as_own())
                assert answer.status_code == 200
                found: dict[str, Any] = answer.json()
                return found

            catalog = await told()
            assert set(catalog["room_types"]) == set(ROOMS) >= OLD_ROOMS
            assert set(catalog["styles"]) == set(STYLES) >= OLD_STYLES
            first = catalog["models"][0]
            assert (first["id"], first["is_default"]) == ("fake:one", True)
            assert first["price"] == {"usd": 0.0, "usd_per_megapixel": 0.0}
            assert "seed" in first["honours"]

            await staging.operating("olga").models.activate("fake:two")
            chosen = [each["id"] for each in (await told())["models"] if each["is_default"]]
            upload = await client.post(
                f"{API}/uploads?filename=a.png",
                content=photo(),
                headers=as_own(**{"Content-Type": "image/png"}),
            )
            order = {"upload_id": upload.json()["id"]}
            made = await client.post(f"{API}/images", json=order, headers=as_own())
            assert chosen == ["fake:two"] == [made.json()["model"]]

    asyncio.run(scenario())
