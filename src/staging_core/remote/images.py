"""The account's images, over HTTP."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any
from uuid import uuid4

import msgspec

from staging_core.acting import Kind
from staging_core.acting.images import Sort
from staging_core.creation import check_key
from staging_core.errors import AlreadyFinal, NotFound, StagingError, ValidationFailed
from staging_core.models import (
    ByteRange,
    Group,
    Image,
    JobEvent,
    JobState,
    JobStatus,
    Place,
    Principal,
)
from staging_core.models.order_limits import not_one_photo
from staging_core.serving import LONGEST_S, OpenPicture, PictureFile

from .asked import in_path, in_query
from .batch import submit_many
from .history import history_of
from .order import CreatedTold, order_of
from .pages import rows_of
from .patience import was_repeated
from .photo import PhotoFile
from .picture import look_at, opened, whole
from .told import ImageTold
from .uploads import RemoteUploads
from .wire import Wire


class ImagesTold(msgspec.Struct, frozen=True):
    """A page of images."""

    images: list[ImageTold]
    next_cursor: str | None

    def rows(self) -> list[ImageTold]:
        """See ``Page``."""
        return self.images


class OriginalTold(msgspec.Struct, frozen=True):
    """The images of one photo."""

    images: list[ImageTold]


class OriginalsTold(msgspec.Struct, frozen=True):
    """A page of photos."""

    originals: list[OriginalTold]
    next_cursor: str | None

    def rows(self) -> list[OriginalTold]:
        """See ``Page``."""
        return self.originals


class GroupTold(msgspec.Struct, frozen=True):
    """All variants of one submit."""

    id: str
    images: list[ImageTold]


class UrlTold(msgspec.Struct, frozen=True):
    """An address of a picture."""

    url: str

    def __repr__(self) -> str:
        return "UrlTold('***')"


class RemoteImages:
    """As ``acting.Images``."""

    def __init__(self, wire: Wire, uploads: RemoteUploads, principal: Principal) -> None:
        self._wire = wire
        self._uploads = uploads
        self._principal = principal

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
        """See ``Images.submit``.

        A ``photo`` is uploaded first, so it is looked at before it is accepted, as any upload is,
        and decoded by the job.
        """
        key = check_key(idempotency_key)
        order = await self._order(
            key or uuid4().hex,
            photo=photo,
            room=room,
            style=style,
            variants=variants,
            seed=seed,
            prompt=prompt,
            furniture=furniture,
            model=model,
            options=options,
            upload_id=upload_id,
            original_url=original_url,
            project_id=project_id,
        )
        told = await self._wire.create(CreatedTold, "/images", order, key=key)
        return Group(
            id=told.value.group_id,
            account_id=self._principal.account_id,
            images=tuple(each.image(self._principal) for each in told.value.variants),
            replayed=told.replayed,
        )

    async def submit_many(
        self,
        wishes: Sequence[Mapping[str, Any] | StagingError],
        *,
        idempotency_key: str | None = None,
    ) -> list[Group | StagingError]:
        """See ``Images.submit_many``."""
        return await submit_many(
            self._wire, self._principal, wishes, key=idempotency_key, prepare=self._order
        )

    async def _order(
        self,
        key: str,
        photo: str | os.PathLike[str] | bytes | None = None,
        upload_id: str | None = None,
        original_url: str | None = None,
        **wish: Any,
    ) -> dict[str, Any]:
        """What is sent for a wish, when its photo has been."""
        if sum(each is not None for each in (photo, upload_id, original_url)) != 1:
            raise not_one_photo()
        order = order_of(upload_id=upload_id, original_url=original_url, **wish)
        if photo is not None:
            order["upload_id"] = await self._uploads.send(await PhotoFile.of(photo), key=key)
        return order

    async def get(self, image_id: str) -> Image:
        """See ``Images.get``."""
        return (await self._wire.get(ImageTold, _path(image_id))).image(self._principal)

    async def group(self, group_id: str) -> Group:
        """See ``Images.group``."""
        told = await self._wire.get(GroupTold, f"/groups/{in_path('group', group_id)}")
        images = tuple(each.image(self._principal) for each in told.images)
        return Group(id=told.id, account_id=self._principal.account_id, images=images)

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
        """See ``Images.page``."""
        states = [state] if isinstance(state, str) else sorted(state)
        by_job = bool(states or status) and search is None
        if isinstance(before, Image):
            before = before.job.place if by_job else before.place
        query = in_query(
            project_id=project_id,
            state=",".join(states) or None,
            status=status,
            style=style,
            q=search,
            sort=sort,
        )
        try:
            rows = await rows_of(
                self._wire, ImagesTold, "/images", query, before=before, limit=limit
            )
        except NotFound:
            return []  # as in the process, a project that is none has no images
        return [row.image(self._principal) for row in rows]

    async def by_original(
        self, project_id: str, *, limit: int = 50, before: Image | Place | None = None
    ) -> list[tuple[Image, ...]]:
        """See ``Images.by_original``."""
        place = before.place if isinstance(before, Image) else before
        path = f"/projects/{in_path('project', project_id)}/originals"
        rows = await rows_of(self._wire, OriginalsTold, path, {}, before=place, limit=limit)
        return [tuple(each.image(self._principal) for each in row.images) for row in rows]

    async def history(self, image_id: str, *, after: int = 0, limit: int = 50) -> list[JobEvent]:
        """See ``Images.history``."""
        path = f"{_path(image_id)}/events"
        return await history_of(self._wire, path, self._principal, after=after, limit=limit)

    async def read(self, image_id: str, kind: Kind = "staged") -> bytes:
        """See ``Images.read``."""
        return await whole(self._wire, _path(image_id), kind)

    async def look(self, image_id: str, kind: Kind = "staged") -> PictureFile:
        """See ``Images.look``."""
        return await look_at(self._wire, _path(image_id), kind)

    @asynccontextmanager
    async def open(
        self,
        image_id: str,
        kind: Kind = "staged",
        *,
        span: ByteRange | None = None,
        etag: str | None = None,
    ) -> AsyncIterator[OpenPicture]:
        """See ``Images.open``; a stream that breaks off is gone on with where it was."""
        path = _path(image_id)
        async with (
            opened(self._wire, path, kind, span=span, etag=etag) as (file, chunks),
            aclosing(chunks),
        ):
            yield OpenPicture(file=file, chunks=chunks)

    async def presign(
        self,
        image_id: str,
        kind: Kind = "original",
        *,
        expires_s: float = LONGEST_S,
        download: bool = False,
        base: str | None = None,
    ) -> str:
        """See ``Images.presign``; in whole seconds, and the server knows its address."""
        if not 0 < expires_s <= LONGEST_S:
            told = f"An address is good for at most {LONGEST_S:g} seconds."
            raise ValidationFailed(told, fields={"expires_s": told})
        query = in_query(kind=kind, expires_in=max(1, int(expires_s)), download=download or None)
        return (await self._wire.get(UrlTold, f"{_path(image_id)}/presign", query)).url

    async def cancel(self, image_id: str) -> Image:
        """See ``Images.cancel``."""
        try:
            told = await self._wire.send(ImageTold, "POST", f"{_path(image_id)}/cancel")
        except AlreadyFinal as final:
            if was_repeated(final):
                image = await self.get(image_id)
                if image.job.state == "cancelled":
                    return image
            raise
        return told.image(self._principal)

    async def delete(self, image_id: str) -> None:
        """See ``Images.delete``."""
        try:
            await self._wire.send(type(None), "DELETE", _path(image_id))
        except NotFound as gone:
            if not was_repeated(gone):
                raise

    async def retry(self, image_id: str, *, idempotency_key: str | None = None) -> Image:
        """See ``Images.retry``."""
        told = await self._wire.create(ImageTold, f"{_path(image_id)}/retry", key=idempotency_key)
        return told.value.image(self._principal, replayed=told.replayed)


def _path(image_id: str) -> str:
    return f"/images/{in_path('image', image_id)}"
