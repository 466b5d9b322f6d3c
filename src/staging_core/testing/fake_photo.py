"""A ``Photo`` made of bytes, or drawn for the occasion."""

from __future__ import annotations

import io


def small_photo(number: int = 0, width: int = 96, height: int = 64) -> bytes:
    """A small PNG; each ``number`` below ``width * height`` gives another one."""
    from PIL import Image

    picture = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    picture.putpixel((number % width, number // width), (255, 0, number % 256))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


class FakePhoto:
    """Implements ``Photo`` over bytes that a test holds."""

    def __init__(
        self,
        data: bytes,
        *,
        content_type: str,
        width: int,
        height: int,
        focal_px: float | None = None,
        public_url: str | None = None,
    ) -> None:
        self._data = data
        self._public_url = public_url
        self.content_type = content_type
        self.width = width
        self.height = height
        self.focal_px = focal_px

    @classmethod
    def of(cls, data: bytes, *, focal_px: float | None = None) -> FakePhoto:
        """A photo of PNG or JPEG bytes."""
        from PIL import Image

        with Image.open(io.BytesIO(data)) as picture:
            width, height = picture.size
            kind = f"image/{(picture.format or 'png').lower()}"
        return cls(data, content_type=kind, width=width, height=height, focal_px=focal_px)

    @classmethod
    def drawn(cls, width: int = 96, height: int = 64) -> FakePhoto:
        """A small PNG with a different colour in every corner; no room can be read from it."""
        from PIL import Image

        corners = Image.new("RGB", (2, 2))
        corners.putdata([(214, 208, 199), (186, 190, 196), (120, 92, 66), (150, 120, 90)])
        buffer = io.BytesIO()
        corners.resize((width, height), Image.Resampling.BILINEAR).save(buffer, "PNG")
        return cls.of(buffer.getvalue())

    async def read(self) -> bytes:
        """The bytes."""
        return self._data

    async def url(self, ttl_s: float) -> str | None:
        """The URL that the test gave, or None."""
        return self._public_url
