"""The one-line way in: a photo goes in, a furnished photo comes out, nothing else stays."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from .acting import Acting
from .blocking import open_door
from .error_codes import error_for
from .errors import BadInput, StagingError
from .imaging.decoder import Decoder
from .models import TERMINAL, Image
from .staging import OWNER, Staging

CONTENT_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
}


class StagedPicture(msgspec.Struct, frozen=True, kw_only=True):
    """A finished picture: PNG bytes, and the image whose result it is."""

    data: bytes
    image: Image

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture, as the path's ending says: ``.png`` (lossless), ``.jpg``, ``.webp``.

        An existing file is replaced whole. Another ending is ``BadInput``. The path comes back.
        """
        target = Path(path)
        content_type = CONTENT_TYPES.get(target.suffix.lower())
        if content_type is None:
            raise BadInput(
                f"A picture cannot be saved as {target.name!r}.",
                remedy=f"End the name in one of {', '.join(CONTENT_TYPES)}.",
            )
        data = self.data if content_type == "image/png" else _converted(self.data, content_type)
        replace_file(target, data)
        return target

    def __repr__(self) -> str:
        return f"StagedPicture({self.image.width}x{self.image.height}, {len(self.data)} bytes)"


def stage(
    photo: str | os.PathLike[str] | bytes,
    *,
    room: str,
    style: str,
    seed: int | None = None,
    prompt: str | None = None,
    furniture: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    **settings: Any,
) -> StagedPicture:
    """Furnish one photo, here and now, by the offline stager unless ``stager=`` names another.

    ``photo``: a path, or encoded bytes. ``settings``: as for ``Staging``; without a ``home`` all
    state is thrown away. Raises what submitting raises, and the job's failure as its own kind of
    error (``RoomNotUnderstood``, ``Moderated``, ``AttemptsExhausted`` ...). Blocks; code that
    awaits uses ``Staging.local``.
    """
    wish = {
        "room": room,
        "style": style,
        "seed": seed,
        "prompt": prompt,
        "furniture": furniture,
        "options": options,
    }
    if settings.get("home") is not None:
        return _stage(photo, wish, settings)
    with tempfile.TemporaryDirectory(prefix="staging-") as home:
        return _stage(photo, wish, {"storage": "memory:", **settings, "home": home})


def _stage(photo: Any, wish: dict[str, Any], settings: dict[str, Any]) -> StagedPicture:
    with open_door(Staging(**{"worker": True, **settings})) as door:
        return door(_staged, door.staging.acting_as(OWNER), photo, wish)


async def _staged(me: Acting, photo: Any, wish: dict[str, Any]) -> StagedPicture:
    group = await me.wait(await me.images.submit(photo, **wish))
    image = group.images[0]
    await _check(me, image)
    return StagedPicture(data=await me.images.read(image.id), image=image)


async def _check(me: Acting, image: Image) -> None:
    """Raise the failed job's error as what it was."""
    assert image.job.state in TERMINAL
    if image.job.state == "ready":
        return
    raise await failure_of(me, image)


async def failure_of(me: Acting, image: Image) -> StagingError:
    """The error that a failed image's job ended with, its overlay picture included."""
    error = error_for(image.job.error or "internal_error", image.job.message or "")
    if "overlay_key" in image.job.report:
        error.overlay_png = await me.images.read(image.id, "overlay")  # type: ignore[attr-defined]
    return error


def replace_file(target: Path, data: bytes) -> None:
    """Write the file whole or not at all; readers never see half of it."""
    part = target.with_name(f".{target.name}.part")
    try:
        part.write_bytes(data)
        part.replace(target)
    except OSError as wrong:
        part.unlink(missing_ok=True)
        raise BadInput(
            f"{target} cannot be written: {wrong.strerror}.", remedy="Choose another place."
        ) from wrong


def _converted(data: bytes, content_type: str) -> bytes:
    from anyio.from_thread import start_blocking_portal

    async def convert() -> bytes:
        async with Decoder() as decoder:
            return await decoder.convert(data, content_type)

    with start_blocking_portal() as portal:
        return portal.call(convert)
