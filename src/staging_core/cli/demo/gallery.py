"""The demo's page: one HTML file that needs no network and shows a room before and after."""

from __future__ import annotations

import html
import io
from base64 import b64encode
from collections import Counter
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import msgspec
from PIL import Image

BUDGET = 2_700_000  # characters of all pictures together, so that the page stays under 3 MB
QUALITIES = ((1600, 90), (1600, 82), (1440, 78), (1200, 74), (960, 68), (720, 60), (480, 45))
OVERLAY_SHARE = 0.625  # the overlay is shown smaller than the pictures


class GalleryResult(msgspec.Struct, frozen=True, kw_only=True):
    """One staged picture: ``timings_ms`` by phase in the order they ran, ``pieces`` by class."""

    style: str
    seed: int
    picture: bytes
    model: str
    cost_usd: float
    timings_ms: dict[str, float]
    pieces: tuple[str, ...] = ()


class GalleryRoom(msgspec.Struct, frozen=True, kw_only=True):
    """What was read from the photo: width, depth, height in metres, camera, confidence 0..1."""

    size_m: tuple[float, float, float]
    focal_px: float
    pitch_deg: float
    roll_deg: float
    yaw_deg: float
    confidence: float


class Gallery(msgspec.Struct, frozen=True, kw_only=True):
    """All that the page shows; ``before``, ``overlay`` and each picture are encoded images."""

    title: str
    before: bytes
    results: tuple[GalleryResult, ...]
    overlay: bytes | None = None
    room: GalleryRoom | None = None


def write_gallery(path: Path, gallery: Gallery) -> None:
    """Write the page as one self-contained file of under 3 MB; missing folders are made.

    Raises ``ValueError`` without results, ``PIL.UnidentifiedImageError`` for bytes that are no
    picture and ``OSError`` where the file cannot be written.
    """
    if not gallery.results:
        raise ValueError("a gallery needs at least one result")
    template = files(__package__).joinpath("gallery.html").read_text(encoding="utf-8")
    page = Template(template).substitute(
        title=html.escape(gallery.title), data=_json_in_html(_view(gallery))
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


def _view(gallery: Gallery) -> dict[str, Any]:
    """The page's data, every number already as the text that is shown."""
    before, *staged = _shrunk(gallery)
    overlay = staged.pop() if gallery.overlay else None
    return {
        "before": before,
        "overlay": overlay,
        "room": _room_facts(gallery.room) if gallery.room else [],
        "results": [
            _result_view(result, picture)
            for result, picture in zip(gallery.results, staged, strict=True)
        ],
    }


def _result_view(result: GalleryResult, picture: str) -> dict[str, Any]:
    longest = max(result.timings_ms.values(), default=0.0) or 1.0
    return {
        "style": _words(result.style),
        "picture": picture,
        "facts": [
            ["Model", result.model],
            ["Seed", str(result.seed)],
            ["Cost", f"${result.cost_usd:.2f}"],
        ],
        "total": _duration(sum(result.timings_ms.values())),
        "phases": [
            {"name": _words(name), "time": _duration(ms), "share": round(ms / longest, 4)}
            for name, ms in result.timings_ms.items()
        ],
        "pieces": [
            _words(piece) if count == 1 else f"{_words(piece)} ×{count}"
            for piece, count in Counter(result.pieces).items()
        ],
    }


def _room_facts(room: GalleryRoom) -> list[list[str]]:
    wide, deep, high = room.size_m
    return [
        ["Size", f"{wide:.1f} × {deep:.1f} m, {high:.2f} m high"],
        ["Focal length", f"{room.focal_px:.0f} px"],
        ["Pitch", _degrees(room.pitch_deg)],
        ["Roll", _degrees(room.roll_deg)],
        ["Yaw", _degrees(room.yaw_deg)],
        ["Confidence", f"{room.confidence:.0%}"],
    ]


def _shrunk(gallery: Gallery) -> list[str]:
    """Before, results and overlay as data URIs of the best quality that fits the budget."""
    pictures = [gallery.before, *(result.picture for result in gallery.results)]
    found: list[str] = []
    for width, quality in QUALITIES:
        found = [_data_uri(picture, width, quality) for picture in pictures]
        if gallery.overlay:
            found.append(_data_uri(gallery.overlay, int(width * OVERLAY_SHARE), quality))
        if sum(map(len, found)) <= BUDGET:
            break
    return found


def _data_uri(picture: bytes, width: int, quality: int) -> str:
    with Image.open(io.BytesIO(picture)) as opened:
        image = opened.convert("RGB")
    if image.width > width:
        image = image.resize((width, round(image.height * width / image.width)))
    packed = io.BytesIO()
    image.save(packed, "WEBP", quality=quality)
    return "data:image/webp;base64," + b64encode(packed.getvalue()).decode("ascii")


def _json_in_html(data: dict[str, Any]) -> str:
    """JSON that cannot end the script element it stands in, nor open a comment there."""
    text = msgspec.json.encode(data).decode("utf-8")
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _words(name: str) -> str:
    """``mid_century`` as ``Mid century``."""
    spaced = name.replace("_", " ").strip()
    return spaced[:1].upper() + spaced[1:]


def _duration(ms: float) -> str:
    return f"{ms / 1000:.1f} s" if ms >= 1000 else f"{ms:.0f} ms"


def _degrees(angle: float) -> str:
    return f"{round(angle, 1) + 0.0:.1f}°"  # adding zero turns -0.0 into 0.0
