"""The demo's page stands alone, is small, and shows whatever text it is given as text."""

from __future__ import annotations

import io
import json
import re
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import PIL
import pytest
from PIL import Image

from staging_core.cli.demo.gallery import Gallery, GalleryResult, GalleryRoom, write_gallery

HOSTILE = "</script><script>alert('x')</script><!-- & \"quotes\" $title \u2028 é"


def photo(width: int = 90, height: int = 60, *, noisy: bool = False) -> bytes:
    rng = np.random.default_rng(width)
    pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
    if not noisy:
        pixels //= 8
    packed = io.BytesIO()
    Image.fromarray(pixels).save(packed, "PNG")
    return packed.getvalue()


def result(style: str, picture: bytes | None = None) -> GalleryResult:
    return GalleryResult(
        style=style,
        seed=7,
        picture=picture or photo(),
        model="render-1",
        cost_usd=0.0,
        timings_ms={"geometry": 812.4, "render": 2210.0},
        pieces=("sofa", "armchair", "armchair", "coffee_table"),
    )


def gallery(*styles: str, title: str = "An empty room") -> Gallery:
    return Gallery(
        title=title,
        before=photo(),
        results=tuple(result(style) for style in styles or ("modern", "mid_century")),
        overlay=photo(),
        room=GalleryRoom(
            size_m=(4.9, 6.55, 2.68),
            focal_px=1200.0,
            pitch_deg=0.0,
            roll_deg=-0.01,
            yaw_deg=8.5,
            confidence=0.93,
        ),
    )


class Page(HTMLParser):
    """Collects what a browser would load, and the text of each script element."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.scripts: list[str] = []
        self.titles: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        if tag == "script":
            self.scripts.append("")
        names = ("src", "href", "srcset", "data", "poster", "action")
        self.loads += [value for name, value in attrs if name in names and value]

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        if self._inside == "title":
            self.titles.append(data)


def written(tmp_path: Path, shown: Gallery) -> tuple[str, Page]:
    path = tmp_path / "new" / "gallery.html"
    write_gallery(path, shown)
    text = path.read_text(encoding="utf-8")
    return text, Page(text)


def test_the_page_loads_nothing_from_outside(tmp_path: Path) -> None:
    text, page = written(tmp_path, gallery())
    assert page.loads == []
    bare = re.sub(r"data:image/webp;base64,[\w+/=]+", "", text)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", bare)
    assert "default-src 'none'; img-src data:" in text


def test_every_style_is_there_with_its_picture_and_times(tmp_path: Path) -> None:
    _, page = written(tmp_path, gallery("modern", "mid_century", "scandinavian"))
    data = json.loads(page.scripts[0])
    assert [one["style"] for one in data["results"]] == ["Modern", "Mid century", "Scandinavian"]
    for one in data["results"]:
        packed = b64decode(one["picture"].removeprefix("data:image/webp;base64,"))
        assert Image.open(io.BytesIO(packed)).size == (90, 60)
        assert one["total"] == "3.0 s"
        assert [(phase["name"], phase["time"]) for phase in one["phases"]] == [
            ("Geometry", "812 ms"),
            ("Render", "2.2 s"),
        ]
        assert one["phases"][1]["share"] == 1.0
        assert one["pieces"] == ["Sofa", "Armchair ×2", "Coffee table"]
    assert ["Size", "4.9 × 6.5 m, 2.68 m high"] in data["room"]
    assert ["Roll", "0.0°"] in data["room"]
    assert ["Confidence", "93%"] in data["room"]


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    _, page = written(tmp_path, gallery(HOSTILE, title=HOSTILE))
    assert len(page.scripts) == 2
    assert "".join(page.titles) == HOSTILE
    assert json.loads(page.scripts[0])["results"][0]["style"] == HOSTILE.replace("_", " ")
    assert "alert" not in page.scripts[1]


def test_the_page_says_that_it_is_a_rendered_preview(tmp_path: Path) -> None:
    text, _ = written(tmp_path, gallery())
    assert "Rendered preview: virtually staged, furniture is not included" in text


def test_the_slider_is_a_labelled_range_input(tmp_path: Path) -> None:
    text, _ = written(tmp_path, gallery())
    assert re.search(r'<input type="range"[^>]*aria-label="Compare before and after"', text)


def test_large_noisy_pictures_still_make_a_page_under_3_mb(tmp_path: Path) -> None:
    large = photo(1500, 1000, noisy=True)
    shown = Gallery(
        title="Noise",
        before=large,
        results=(result("a", large), result("b", large)),
        overlay=large,
    )
    text, page = written(tmp_path, shown)
    assert len(text.encode()) < 3_000_000
    packed = b64decode(json.loads(page.scripts[0])["before"].partition(",")[2])
    width, height = Image.open(io.BytesIO(packed)).size
    assert width / height == pytest.approx(1.5, abs=0.01)


def test_overlay_and_room_may_be_missing(tmp_path: Path) -> None:
    shown = Gallery(title="Plain", before=photo(), results=(result("modern"),))
    _, page = written(tmp_path, shown)
    data = json.loads(page.scripts[0])
    assert data["overlay"] is None
    assert data["room"] == []


def test_a_gallery_without_results_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "gallery.html"
    with pytest.raises(ValueError, match="at least one result"):
        write_gallery(path, Gallery(title="None", before=photo(), results=()))
    assert not path.exists()


def test_bytes_that_are_no_picture_are_refused_and_leave_no_file(tmp_path: Path) -> None:
    path = tmp_path / "gallery.html"
    with pytest.raises(PIL.UnidentifiedImageError):
        write_gallery(path, Gallery(title="Bad", before=b"text", results=(result("modern"),)))
    assert not path.exists()
