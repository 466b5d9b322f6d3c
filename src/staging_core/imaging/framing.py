"""A photo laid on a model's canvas, and cut out of the model's answer; in the decoding process.

The padding is the photo mirrored at its edges and blurred: at the seam it goes on in light and
colour, so that it does not look like the frame of a picture, and it shows nothing to furnish.
"""

from __future__ import annotations

from PIL import Image, ImageFilter, ImageOps

from .canvas import Layout

_COARSE = 160  # pixels of the canvas' shorter side while it is blurred: enough for what is left
_BLUR = _COARSE / 64  # as the radius


def framed(image: Image.Image, layout: Layout) -> Image.Image:
    """The photo scaled (Lanczos) into the layout's box, padding around it."""
    inner = layout.inner_width, layout.inner_height
    if image.size != inner:
        image = image.resize(inner, Image.Resampling.LANCZOS, reducing_gap=2.0)
    if (layout.width, layout.height) == inner:
        return image
    canvas = _padding(image, layout)
    canvas.paste(image, (layout.left, layout.top))
    return canvas


def unframed(answer: Image.Image, layout: Layout, size: tuple[int, int]) -> Image.Image:
    """What an answer of any size shows in the layout's box, at ``size``; itself if that is all."""
    canvas, inner = (layout.width, layout.height), (layout.inner_width, layout.inner_height)
    if answer.size == canvas and size == inner:
        if canvas == inner:
            return answer
        return answer.crop(_box(layout, 1.0, 1.0, canvas))
    across, down = answer.width / canvas[0], answer.height / canvas[1]
    box = _box(layout, across, down, answer.size)
    return answer.resize(size, Image.Resampling.LANCZOS, box=box)


def _box(
    layout: Layout, across: float, down: float, size: tuple[int, int]
) -> tuple[float, float, float, float]:
    """The layout's box in a picture of ``size``: rounding must not put it a hair outside."""
    right, low = layout.left + layout.inner_width, layout.top + layout.inner_height
    return (
        layout.left * across,
        layout.top * down,
        min(right * across, size[0]),
        min(low * down, size[1]),
    )


def _padding(image: Image.Image, layout: Layout) -> Image.Image:
    """The whole canvas, mirrored and blurred; worked out at a coarse scale, as that is cheap."""
    scale = min(1.0, _COARSE / min(layout.width, layout.height))
    size, inner = _scaled(layout.width, layout.height, scale), _scaled(*image.size, scale)
    start = round(layout.left * scale), round(layout.top * scale)
    small = image.resize(inner, Image.Resampling.BOX)
    blurred = _mirrored(small, start, size).filter(ImageFilter.GaussianBlur(_BLUR))
    return blurred.resize((layout.width, layout.height), Image.Resampling.BICUBIC)


def _scaled(width: int, height: int, scale: float) -> tuple[int, int]:
    return max(1, round(width * scale)), max(1, round(height * scale))


def _mirrored(image: Image.Image, start: tuple[int, int], size: tuple[int, int]) -> Image.Image:
    """The image placed at ``start``, and from its edges on its mirrored neighbours."""
    rows = {False: image, True: ImageOps.flip(image)}
    tiles = {
        (odd_row, odd_column): ImageOps.mirror(row) if odd_column else row
        for odd_row, row in rows.items()
        for odd_column in (False, True)
    }
    canvas = Image.new("RGB", size)
    for y, odd_row in _places(start[1], image.height, size[1]):
        for x, odd_column in _places(start[0], image.width, size[0]):
            canvas.paste(tiles[odd_row, odd_column], (x, y))
    return canvas


def _places(start: int, length: int, end: int) -> list[tuple[int, bool]]:
    """Where tiles start so that they cover ``0..end``, and which of them are turned."""
    before = -(-start // length)
    return [(start + n * length, n % 2 == 1) for n in range(-before, -(-(end - start) // length))]
