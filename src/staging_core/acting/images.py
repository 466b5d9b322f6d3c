"""The account's images."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal, get_args

from msgspec.structs import replace

from staging_core.creation import creating
from staging_core.database import events, image_lists, images, projects
from staging_core.database.pages import check_limit
from staging_core.deletion import delete_image
from staging_core.errors import StagingError, ValidationFailed
from staging_core.models import (
    USUAL_ROOM,
    USUAL_STYLE,
    ByteRange,
    Group,
    Image,
    JobEvent,
    JobState,
    JobStatus,
    Place,
    Principal,
    check_style,
    states_of,
)
from staging_core.models.order_limits import check_limits, not_one_photo
from staging_core.ports import Ports
from staging_core.repetition import repeat_job
from staging_core.scoped import needs
from staging_core.serving import (
    LONGEST_S,
    Kind,
    OpenPicture,
    PictureFile,
    opened,
    picture_file,
    picture_url,
    read_picture,
)
from staging_core.settlement import cancel_job
from staging_core.source import PhotoSource, Source, UploadSource, naming_the_photo
from staging_core.submission import Submission, Wish

from .batch import submit_many

Sort = Literal["newest", "oldest"]


class Images:
    """The account's images."""

    def __init__(self, ports: Ports, principal: Principal) -> None:
        self._ports = ports
        self._principal = principal
        self._account_id = principal.account_id

    @needs("images:write")
    async def submit(
        self,
        photo: str | os.PathLike[str] | bytes | None = None,
        *,
        room: str | None = None,
        style: str | None = None,
        variants: int = 1,
        seed: int | None = None,
        prompt: str | None = None,
        furniture: Sequence[str] = (),
        model: str | None = None,
        options: Mapping[str, Any] | None = None,
        upload_id: str | None = None,
        original_url: str | None = None,
        project_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Group:
        """Accept a photo for staging; the group of its variants, queued.

        The photo is one of three: ``photo``, a path or the encoded bytes; ``upload_id``, an upload
        of the account; ``original_url``, the address (or the key) that one was put at. An upload
        is looked at before it is accepted, and decoded by the job. Without ``room`` or ``style`` it
        is ``USUAL_ROOM``, ``USUAL_STYLE``. ``seed`` 1..2^32-1 makes the
        result repeatable and is chosen at random otherwise; further variants count up from it.
        ``model``: the id of an open stager, by default the first. A piece of ``furniture`` has up
        to 200 characters, and all of it as JSON, ``options`` included, up to 16 KiB.
        Raises ``BadInput`` and its kinds (``BadPicture``, ``UnknownRoom``, ``NotHonoured``,
        ``UnknownUpload`` ...), ``NotFound`` for a project that is not the account's, ``Refused``
        when a plugin vetoes, ``UsageLimitExceeded`` or ``TooManyQueued``; then nothing was kept.
        """
        asked = {
            "room": USUAL_ROOM if room is None else room,
            "style": USUAL_STYLE if style is None else style,
            "variants": variants,
            "seed": seed,
            "prompt": prompt,
            "furniture": furniture,
            "model": model,
            "options": options or {},
        }
        named = {"upload_id": upload_id, "original_url": original_url, "project_id": project_id}
        check_limits({**asked, **named})
        wish = Wish.of(**asked)
        submission = Submission(
            self._ports, self._principal, idempotency_key, project_id=project_id
        )
        source = self._source(photo, upload_id, original_url)
        with naming_the_photo(source):
            return await submission.submit(source, wish)

    @needs("images:write")
    async def submit_many(
        self,
        wishes: Sequence[Mapping[str, Any] | StagingError],
        *,
        idempotency_key: str | None = None,
    ) -> list[Group | StagingError]:
        """Submit 1 to 50 wishes (keywords of ``submit``), each by itself.

        In their order the group of each, or the error that refused it: it is accepted whole or
        leaves nothing behind. A wish that could not even be read may stand there as the error that
        says so. A repeat under the same ``idempotency_key`` tells again what was
        accepted, and tries the rest again. ``BadInput`` for what is no list of wishes.
        """
        return await submit_many(
            self._ports, self._account_id, wishes, key=idempotency_key, submit=self.submit
        )

    def _source(
        self,
        photo: str | os.PathLike[str] | bytes | None,
        upload_id: str | None,
        original_url: str | None,
    ) -> Source:
        if sum(each is not None for each in (photo, upload_id, original_url)) != 1:
            raise not_one_photo()
        if photo is not None:
            return PhotoSource(self._ports, self._account_id, photo)
        return UploadSource(
            self._ports, self._account_id, upload_id=upload_id, address=original_url
        )

    @needs("images:read")
    async def get(self, image_id: str) -> Image:
        """One image with its newest job; ``NotFound``."""
        async with self._ports.database.read(self._account_id) as tx:
            return await images.get(tx, self._account_id, image_id)

    @needs("images:read")
    async def group(self, group_id: str) -> Group:
        """All variants of one submit; ``NotFound``."""
        async with self._ports.database.read(self._account_id) as tx:
            return await images.of_group(tx, self._account_id, group_id)

    @needs("images:read")
    async def page(
        self,
        *,
        project_id: str | None = None,
        state: JobState | Collection[JobState] = (),
        status: JobStatus | None = None,
        style: str | None = None,
        search: str | None = None,
        sort: Sort = "newest",
        limit: int = 50,
        before: Image | Place | None = None,
    ) -> list[Image]:
        """Images for which all that is given holds, newest first.

        ``state``: one or several; ``status``: the coarse word for them. ``search``: up to eight
        words, each the beginning of one in the prompt or in the name of the photo's file.
        ``before``: the last image of the page before, or its place. Lists by state (without
        ``search``) go by when the images' newest jobs were made: there it is the place of the job
        (``job.place``).
        """
        states = _states(state, status)
        if isinstance(before, Image):
            before = before.job.place if states and search is None else before.place
        async with self._ports.database.read(self._account_id) as tx:
            return await image_lists.page(
                tx,
                self._account_id,
                project_id=project_id,
                states=states,
                style=None if style is None else check_style(style),
                search=search,
                before=before,
                limit=limit,
                oldest_first=_is_oldest_first(sort),
            )

    @needs("images:read")
    async def by_original(
        self, project_id: str, *, limit: int = 50, before: Image | Place | None = None
    ) -> list[tuple[Image, ...]]:
        """A project's images, those of one original together; ``NotFound`` for no such project.

        The first image of each original is its oldest one, and the originals come by that, newest
        first. ``before``: the first image of the last original of the page before, or its place.
        Of an original with more than 200 images (``MOST_OF_ONE``) it is the first
        and the newest ones; a page that has ``FULL`` of them ends before ``limit`` originals.
        """
        place = before.place if isinstance(before, Image) else before
        async with self._ports.database.read(self._account_id) as tx:
            await projects.get(tx, self._account_id, project_id)
            return await image_lists.by_original(
                tx, self._account_id, project_id, before=place, limit=limit
            )

    @needs("images:read")
    async def history(self, image_id: str, *, after: int = 0, limit: int = 50) -> list[JobEvent]:
        """Events of all the image's jobs, in order; ``NotFound``.

        ``after``: the position of the last one of the page before.
        """
        check_limit(limit)
        async with self._ports.database.read(self._account_id) as tx:
            await images.get(tx, self._account_id, image_id)
            return await events.of_image(tx, self._account_id, image_id, after=after, limit=limit)

    @needs("images:read")
    async def read(self, image_id: str, kind: Kind = "staged") -> bytes:
        """A picture's bytes; ``NotReady`` before there is one, ``NotFound`` when there never is.

        ``original`` is byte for byte what was handed in; ``overlay`` shows why a room was refused.
        """
        return await read_picture(self._ports, await self.get(image_id), kind)

    @needs("images:read")
    async def look(self, image_id: str, kind: Kind = "staged") -> PictureFile:
        """Size, etag, type and name of a picture, as for ``read``, without its bytes.

        A thumbnail (JPEG, at most 480 pixels a side) is made when it is first asked for.
        """
        return await picture_file(self._ports, await self.get(image_id), kind)

    @needs("images:read")
    @asynccontextmanager
    async def open(
        self,
        image_id: str,
        kind: Kind = "staged",
        *,
        span: ByteRange | None = None,
        etag: str | None = None,
    ) -> AsyncIterator[OpenPicture]:
        """A picture as a stream: all of it, or the bytes of ``span``; errors as for ``read``.

        ``etag``: as ``look`` told it; ``ObjectChanged`` when the picture is another by now.
        """
        file = await self.look(image_id, kind)
        async with opened(self._ports, file, span=span, etag=etag) as picture:
            yield picture

    @needs("images:read")
    async def presign(
        self,
        image_id: str,
        kind: Kind = "original",
        *,
        expires_s: float = LONGEST_S,
        download: bool = False,
        base: str | None = None,
    ) -> str:
        """An address of a picture for whoever has it, good for ``expires_s`` (at most 3600).

        ``download``: a browser saves it, under a fitting name. ``base``: the address under which we
        are reached, where ``public_url`` is not set and the storage signs no addresses. Errors as
        for ``read``.
        """
        image = await self.get(image_id)
        return await picture_url(
            self._ports, image, kind, expires_s=expires_s, download=download, base=base
        )

    @needs("images:write")
    async def cancel(self, image_id: str) -> Image:
        """Cancel the image's job; ``AlreadyFinal`` when it has ended."""
        image = await self.get(image_id)
        await self._ports.database.transact(
            self._account_id, lambda tx: cancel_job(tx, self._account_id, image.job.id)
        )
        return await self.get(image_id)

    @needs("images:write")
    async def delete(self, image_id: str) -> None:
        """Delete the image; ``NotFound``.

        It is hidden at once, everywhere, and its job cancelled. Its objects go with the next sweep,
        the original with the last image that uses it. What was used stays counted.
        """
        await delete_image(self._ports, self._account_id, image_id)

    @needs("images:write")
    async def retry(self, image_id: str, *, idempotency_key: str | None = None) -> Image:
        """A new job for an image that failed or was cancelled; ``AlreadyFinal`` else.

        ``UnknownModel`` when its model is not open here, ``TooManyQueued`` as for ``submit``. A
        repeat under the same ``idempotency_key`` makes no further job; the image is ``replayed``.
        """
        ended: tuple[JobState, ...] = ("error", "cancelled")
        async with creating(
            self._ports, self._account_id, idempotency_key, route="images.retry", asked=[image_id]
        ) as creation:
            replayed = creation.created is not None
            if not replayed:
                await repeat_job(
                    self._ports, self._account_id, image_id, ended=ended, creation=creation
                )
        return replace(await self.get(image_id), replayed=replayed)


def _states(
    state: JobState | Collection[JobState], status: JobStatus | None
) -> frozenset[JobState]:
    """Those asked for; none means any."""
    states: frozenset[JobState] = frozenset((state,) if isinstance(state, str) else state)
    if unknown := states - set(get_args(JobState)):
        raise ValidationFailed(fields={"state": f"There is no state {min(unknown)!r}."})
    if status is None:
        return states
    if status not in get_args(JobStatus):
        raise ValidationFailed(fields={"status": f"There is no status {status!r}."})
    if states and not states & states_of(status):
        raise ValidationFailed(fields={"status": f"No state that was asked for shows as {status}."})
    return states & states_of(status) if states else states_of(status)


def _is_oldest_first(sort: Sort) -> bool:
    if sort not in get_args(Sort):
        raise ValidationFailed(fields={"sort": f"is {' or '.join(get_args(Sort))}, not {sort!r}."})
    return sort == "oldest"
