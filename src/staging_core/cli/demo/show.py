"""The work of ``staging demo``: stage the bundled photo, write pictures and gallery."""

from __future__ import annotations

import asyncio
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

from staging_core import OWNER, Staging
from staging_core.acting import Acting
from staging_core.cli.progress import Bars, bars
from staging_core.cli.sight import Sight, look
from staging_core.errors import BadInput
from staging_core.models import Group
from staging_core.staged_picture import failure_of, replace_file

from .gallery import Gallery, GalleryResult, GalleryRoom, write_gallery

PHOTO, ROOM = "empty_room.jpg", "living_room"


class Show:
    """One run of the demo."""

    def __init__(self, folder: Path, styles: tuple[str, ...], seed: int) -> None:
        self._folder, self._styles, self._seed = folder, styles, seed
        self._photo = files(__package__).joinpath(PHOTO).read_bytes()

    async def run(self) -> list[dict[str, Any]]:
        """Write everything; what was written, one entry a style."""
        self._make_folder()
        with tempfile.TemporaryDirectory(prefix="staging-demo-") as home:
            async with Staging(
                home=home, storage="memory:", stager="render:", plugins=()
            ) as staging:
                return await self._show(staging)

    async def _show(self, staging: Staging) -> list[dict[str, Any]]:
        me = staging.acting_as(OWNER)
        with bars() as shown:
            groups = [await self._submit(me, style, shown) for style in self._styles]
            results = [await self._result(me, group, shown) for group in groups]
            sight = await self._sight(staging)
        gallery = Gallery(
            title="One empty room, furnished",
            before=self._photo,
            results=tuple(results),
            overlay=sight.overlay(),
            room=_facts(sight.answer),
        )
        return await asyncio.to_thread(self._write, gallery)

    async def _submit(self, me: Acting, style: str, shown: Bars) -> Group:
        group = await me.images.submit(self._photo, room=ROOM, style=style, seed=self._seed)
        shown.add(group.images[0].job, style)
        return group

    async def _result(self, me: Acting, group: Group, shown: Bars) -> GalleryResult:
        async for event in me.events(group):
            shown.show(event)
        image = (await me.images.group(group.id)).images[0]
        if image.job.state != "ready":
            raise await failure_of(me, image)
        report = image.job.report
        return GalleryResult(
            style=image.request.style,
            seed=image.request.seed,
            picture=await me.images.read(image.id),
            model=image.job.model,
            cost_usd=image.job.cost_usd,
            timings_ms=report["timings_ms"],
            pieces=tuple(piece["class"] for piece in report["pieces"]),
        )

    async def _sight(self, staging: Staging) -> Sight:
        copy = await staging.ports.decoder.working_copy(self._photo)
        return await asyncio.to_thread(look, copy)

    def _make_folder(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput(
                f"The folder {str(self._folder)!r} cannot be made: {error.strerror}.",
                remedy="Choose another place for -o.",
            ) from error

    def _write(self, gallery: Gallery) -> list[dict[str, Any]]:
        from .command import GALLERY

        written = []
        for result in gallery.results:
            path = self._folder / f"{result.style}.png"
            replace_file(path, result.picture)
            written.append({"path": str(path), "style": result.style, "seed": result.seed})
        write_gallery(self._folder / GALLERY, gallery)
        return written


def _facts(answer: dict[str, Any]) -> GalleryRoom | None:
    if not answer["accepted"]:
        return None
    return GalleryRoom(
        size_m=tuple(answer["size_m"]), confidence=answer["confidence"], **answer["camera"]
    )
