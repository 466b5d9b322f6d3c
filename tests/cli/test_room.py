"""``staging room`` and ``staging demo``: the offline renderer, on the bundled photo."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .conftest import Cli, picture

KEYS = {"accepted", "confidence", "camera", "size_m", "floor_px", "reason"}


@pytest.fixture
def empty(folder: Path) -> str:
    """The bundled photo."""
    data = files("staging_core.cli.demo").joinpath("empty_room.jpg").read_bytes()
    (folder / "empty.jpg").write_bytes(data)
    return "empty.jpg"


def test_an_empty_room_is_understood_and_drawn(cli: Cli, folder: Path, empty: str) -> None:
    ran = cli("room", empty, "--overlay", "room.png", "--json")
    assert ran.code == 0
    assert set(ran.json) == KEYS
    assert ran.json["accepted"]
    assert ran.json["reason"] is None
    assert set(ran.json["camera"]) == {"focal_px", "pitch_deg", "roll_deg", "yaw_deg"}
    assert len(ran.json["size_m"]) == 3
    assert len(ran.json["floor_px"]) >= 3
    photo, overlay = picture(folder / empty), picture(folder / "room.png")
    assert overlay.width / overlay.height == pytest.approx(photo.width / photo.height, rel=0.2)


def test_a_photo_without_a_room_is_an_answer_not_a_failure(cli: Cli, folder: Path) -> None:
    haze = np.full((480, 640, 3), 200, np.uint8)
    Image.fromarray(haze).save(folder / "haze.png")
    ran = cli("room", "haze.png", "--json")
    assert (ran.code, ran.json["accepted"]) == (0, False)
    assert set(ran.json) == KEYS
    assert ran.json["reason"]
    assert cli("room", "haze.png").out.startswith("refused")


def test_what_is_no_photo_is_a_failure(cli: Cli) -> None:
    ran = cli("room", "text.jpg", "--json")
    assert (ran.code, ran.json["error"]["code"]) == (1, "picture_unsupported")
    assert cli("room", "one.jpg", "--overlay", "room.gif").code == 2


def test_the_demo_writes_a_gallery_and_keeps_nothing_else(cli: Cli, folder: Path) -> None:
    before = set(folder.iterdir())
    ran = cli("demo", "--style", "modern", "-o", "shown", "--json")
    assert ran.code == 0
    assert ran.json["gallery"] == "shown/gallery.html"
    assert [one["path"] for one in ran.json["outputs"]] == ["shown/modern.png"]
    assert set(folder.iterdir()) - before == {folder / "shown"}
    assert "data:image" in (folder / "shown" / "gallery.html").read_text("utf-8")
