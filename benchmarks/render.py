"""What furnishing a photo with ``render:`` costs: time per phase and peak memory.

By default the bundled photo (about 2 megapixels), once with Embree and once without it. The
stager is warm: starting its process and importing its libraries is told apart. The floor is to
decode the photo and to encode a picture of its size, which nobody can leave out.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from importlib.resources import files
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from benchmarks.result import Result, peak_rss_mb
from staging_core.backends.render.stager import open_render
from staging_core.models import Attempt, StageRequest
from staging_core.testing import FakeContext, FakePhoto
from staging_core.urls import BackendURL

MODES = {"embree": "render:", "numpy": "render:?accelerate=no"}


def options(parser: argparse.ArgumentParser) -> None:
    """Which photo, how often."""
    parser.add_argument("--photo", type=Path, help="a photo of an empty room (the bundled one)")
    parser.add_argument("--room", default="living_room", help="room type (living_room)")
    parser.add_argument("--style", default="scandinavian", help="style (scandinavian)")
    parser.add_argument("--repeat", type=int, default=3, help="photos of each kind (3)")


def run(chosen: argparse.Namespace) -> Result:
    """Each kind in a fresh process, whose memory is then its own."""
    photo = chosen.photo.read_bytes() if chosen.photo else bundled()
    measured = {mode: isolated(mode, photo, chosen) for mode in MODES}
    floor = codec_s(photo)
    subject = measured["embree"]
    return Result(
        name="render",
        unit="s",
        subject=subject["total_s"],
        floor=floor,
        ratio=subject["total_s"] / floor,
        cpu_us=subject["cpu_s"] * 1e6,
        rss_mb=subject["rss_mb"],
        n=chosen.repeat * len(MODES),
        details={"megapixels": megapixels(photo), **measured},
    )


def bundled() -> bytes:
    """The demo's photo."""
    return (files("staging_core.cli.demo") / "empty_room.jpg").read_bytes()


def isolated(mode: str, photo: bytes, chosen: argparse.Namespace) -> dict[str, Any]:
    """``measure`` in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        asked = (chosen.room, chosen.style, chosen.repeat)
        return pool.submit(measure, MODES[mode], photo, *asked).result()


def measure(url: str, photo: bytes, room: str, style: str, repeat: int) -> dict[str, Any]:
    """Seconds and MiB of one kind of ``render:``; phases in milliseconds."""
    return asyncio.run(_measure(url, FakePhoto.of(photo), room, style, repeat))


async def _measure(
    url: str, photo: FakePhoto, room: str, style: str, repeat: int
) -> dict[str, Any]:
    request = StageRequest(room=room, style=style, seed=7)
    attempt = Attempt(id="benchmark", number=1, deadline=time.time() + 3600)
    totals, phases = [], []
    with tempfile.TemporaryDirectory() as home:
        async with open_render(BackendURL.parse(url), FakeContext(Path(home))) as stager:
            for _ in range(repeat + 1):
                began = time.perf_counter()
                staged = await stager.stage(request, photo, attempt)
                totals.append(time.perf_counter() - began)
                phases.append(staged.report["timings_ms"])
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    first, *warm = totals
    return {
        "total_s": median(warm),
        "first_s": first,
        "phases_ms": {name: median(each[name] for each in phases[1:]) for name in phases[0]},
        "cpu_s": (used.ru_utime + used.ru_stime) / len(totals),
        "rss_mb": peak_rss_mb(resource.RUSAGE_CHILDREN),
    }


def codec_s(photo: bytes) -> float:
    """Seconds for decoding the photo and encoding a PNG of it."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        pixels = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)
        assert pixels is not None, "the photo cannot be decoded"
        cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 3])
        times.append(time.perf_counter() - began)
    return median(times)


def megapixels(photo: bytes) -> float:
    """Size of the photo."""
    made = FakePhoto.of(photo)
    return made.width * made.height / 1e6
