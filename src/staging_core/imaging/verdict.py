"""Is a model's output a furnished picture of this photo?"""

from __future__ import annotations

from PIL import Image, ImageChops, ImageStat

from staging_core.errors import Retryable

_CELLS = 128  # along the longer side: noise of compression averages out, furniture does not
_COLOUR_CELLS = 32  # JPEG and WebP smear colour, not light, across every edge
_BLANK_DEVIATION = 2.0  # of 255; a photo of a white wall has more
_SAME_DIFFERENCE = 4  # of 255, in the most different cell
_RATIO_TOLERANCE = 0.01


def check_ratio(image: Image.Image, width: int, height: int) -> None:
    """Raise ``Retryable`` when the picture's ratio is off by more than 1 %."""
    if abs(image.width / image.height / (width / height) - 1) > _RATIO_TOLERANCE:
        raise Retryable(
            f"The model's output is {image.width} x {image.height} pixels, "
            f"which is not the ratio of the {width} x {height} that it was given."
        )


def check_not_blank(image: Image.Image) -> None:
    """Raise ``Retryable`` for a picture of (nearly) one colour."""
    if max(ImageStat.Stat(_coarse(image)).stddev) < _BLANK_DEVIATION:
        raise Retryable("The model's output is blank.")


def check_changed(image: Image.Image, original: Image.Image) -> None:
    """Raise ``Retryable`` when nothing was staged: both of one size and (nearly) the same."""
    light = ImageChops.difference(*(_coarse(each).convert("L") for each in (image, original)))
    colour = ImageChops.difference(_coarse(image, _COLOUR_CELLS), _coarse(original, _COLOUR_CELLS))
    if max(high for _, high in _extremes(light) + _extremes(colour)) <= _SAME_DIFFERENCE:
        raise Retryable("The model's output is the photo as it was.")


def _coarse(image: Image.Image, cells: int = _CELLS) -> Image.Image:
    return image.reduce(max(1, max(image.size) // cells))


def _extremes(image: Image.Image) -> tuple[tuple[int, int], ...]:
    return tuple(channel.getextrema() for channel in image.split())  # type: ignore[misc]
