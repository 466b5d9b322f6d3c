"""The size of what a model gives back for a picture and an input."""

from __future__ import annotations

import math
from typing import Any

from .model import Model

Size = tuple[int, int]
# Widths and heights that FLUX Kontext gives, from the widest to the square; upright ones mirror it.
_KONTEXT = (
    (1568, 672),
    (1504, 688),
    (1456, 720),
    (1392, 752),
    (1328, 800),
    (1248, 832),
    (1184, 880),
    (1104, 944),
    (1024, 1024),
)
_GPT = {"1:1": (1024, 1024), "3:2": (1536, 1024), "2:3": (1024, 1536)}
_SIDE = {"1K": 1024, "2K": 2048, "4K": 4096}
_SAME = "match_input_image"
_MOST_PIXELS = 4096 * 4096


def output_size(model: Model, given: dict[str, Any], photo: Size) -> Size:
    """Width and height of the output. ``given``: the input with its defaults."""
    match model.sizes:
        case "near_1mp":
            return _with_area(_ratio(given, photo), 1024 * 1024)
        case "kontext":
            return _kontext(_ratio(given, photo))
        case "flux_2":
            return _flux_2(given, photo)
        case "by_width":
            return _by_width(given, photo)
        case "gpt":
            return _GPT[given["aspect_ratio"]]
        case "upscaled":
            return _upscaled(given, photo)


def _ratio(given: dict[str, Any], photo: Size) -> float:
    """Width by height, as asked for."""
    word = given.get("aspect_ratio") or _SAME
    if word in (_SAME, "custom"):
        return photo[0] / photo[1]
    wide, high = word.split(":")
    return int(wide) / int(high)


def _with_area(ratio: float, pixels: float, multiple: int = 16) -> Size:
    width, height = math.sqrt(pixels * ratio), math.sqrt(pixels / ratio)
    return _rounded(width, multiple), _rounded(height, multiple)


def _rounded(length: float, multiple: int) -> int:
    return max(multiple, round(length / multiple) * multiple)


def _kontext(ratio: float) -> Size:
    sizes = [*_KONTEXT, *((height, width) for width, height in _KONTEXT)]
    return min(sizes, key=lambda size: abs(math.log(size[0] / size[1] / ratio)))


def _flux_2(given: dict[str, Any], photo: Size) -> Size:
    if given["aspect_ratio"] == "custom" and given["width"] and given["height"]:
        return _rounded(given["width"], 16), _rounded(given["height"], 16)
    word = given["resolution"]
    own = min(4e6, max(0.5e6, photo[0] * photo[1]))
    pixels = own if word == _SAME else float(word.split()[0]) * 1e6
    width, height = _with_area(_ratio(given, photo), pixels)
    return min(width, 2048), min(height, 2048)


def _by_width(given: dict[str, Any], photo: Size) -> Size:
    word = given.get("size") or given["resolution"]
    if word == "custom":
        return given["width"], given["height"]
    return _with_area(_ratio(given, photo), _SIDE[word] ** 2)


def _upscaled(given: dict[str, Any], photo: Size) -> Size:
    asked = given.get("scale_factor") or str(given.get("upscale_factor", "4")).rstrip("x")
    factor = 1.0 if asked == "None" else float(asked)
    factor = min(factor, math.sqrt(_MOST_PIXELS / (photo[0] * photo[1])))
    return max(1, round(photo[0] * factor)), max(1, round(photo[1] * factor))
