"""The account's images."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, get_args

from staging_core.database import events, image_lists, images, projects
from staging_core.database.pages import check_limit
from staging_core.deletion import delete_image
from staging_core.errors import BadInput, NotFound, NotReady
from staging_core.models import (
    TERMINAL,
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
from staging_core.photo import read_object
from staging_core.ports import Ports
from staging_core.repetition import repeat_job
from staging_core.scoped import needs
from staging_core.settlement import cancel_job
from staging_core.submission import Submission, Wish

Sort = Literal["newest", "oldest"]
Kind = Literal["original", "staged", "labelled", "overlay"]


class Images:
    """The account's images."""

    def __init__(self, ports: Ports, principal: Principal) -> None:
        self._ports = ports
        self._principal = principal
        self._account_id = principal.account_id

    @needs("images:write")
    async def submit(
        self,
        photo: str | os.PathLike[str] | bytes,
        *,
        room: str,
        style: str,
        variants: int = 1,
        seed: int | None = None,
        prompt: str | None = None,
        furniture: Sequence[str] = (),
        model: str | None = None,
        options: Mapping[str, Any] | None = None,
        project_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Group:
        """Accept a photo for staging; the group of its variants, queued.

        ``photo``: a path, or the encoded bytes. ``seed`` 1..2^32-1 makes the result repeatable and
        is chosen at random otherwise; further variants count up from it. ``model``: the id of an
        open stager, by default the first. Raises ``BadInput`` and its kinds (``BadPicture``,
        ``UnknownRoom``, ``NotHonoured`` ...), ``NotFound`` for a project that is not the
        account's, ``Refused`` when a plugin vetoes, ``UsageLimitExceeded`` or ``TooManyQueued``;
        then nothing was kept.
        """
        wish = Wish.of(
            room=room,
            style=style,
            variants=variants,
            seed=seed,
            prompt=prompt,
            furniture=furniture,
            model=model,
            options=options or {},
        )
        submission = Submission(
            self._ports, self._principal, idempotency_key, project_id=project_id
        )
        return await submission.submit(photo, wish)

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
        sort: Sort = "newest",
        limit: int = 50,
        before: Image | Place | None = None,
    ) -> list[Image]:
        """Images for which all that is given holds, newest first.

        ``state``: one or several; ``status``: the coarse word for them. ``before``: the last image
        of the page before, or its place. Lists by state go by when the images' newest jobs were
        made, so there it is the place of the job (``image.job.place``).
        """
        states = _states(state, status)
        if isinstance(before, Image):
            before = before.job.place if states else before.place
        async with self._ports.database.read(self._account_id) as tx:
            return await image_lists.page(
                tx,
                self._account_id,
                project_id=project_id,
                states=states,
                style=None if style is None else check_style(style),
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
            return await events.after(tx, self._account_id, after, image_id=image_id, limit=limit)

    @needs("images:read")
    async def read(self, image_id: str, kind: Kind = "staged") -> bytes:
        """A picture's bytes; ``NotReady`` before there is one, ``NotFound`` when there never is.

        ``original`` is byte for byte what was handed in; ``overlay`` shows why a room was refused.
        """
        image = await self.get(image_id)
        return await read_object(self._ports.storage, _key(image, kind))

    @needs("images:write")
    async def cancel(self, image_id: str) -> Image:
        """Cancel the image's job; ``AlreadyFinal`` when it has ended."""
        image = await self.get(image_id)
        async with self._ports.database.write(self._account_id) as tx:
            await cancel_job(tx, self._account_id, image.job.id)
        return await self.get(image_id)

    @needs("images:write")
    async def delete(self, image_id: str) -> None:
        """Delete the image; ``NotFound``.

        It is hidden at once, everywhere, and its job cancelled. Its objects go with the next sweep,
        the original with the last image that uses it. What was used stays counted.
        """
        await delete_image(self._ports, self._account_id, image_id)

    @needs("images:write")
    async def retry(self, image_id: str) -> Image:
        """A new job for an image that failed or was cancelled; ``AlreadyFinal`` else.

        ``UnknownModel`` when its model is not open here, ``TooManyQueued`` as for ``submit``.
        """
        ended: tuple[JobState, ...] = ("error", "cancelled")
        await repeat_job(self._ports, self._account_id, image_id, ended=ended)
        return await self.get(image_id)


def _states(
    state: JobState | Collection[JobState], status: JobStatus | None
) -> frozenset[JobState]:
    """Those asked for; none means any."""
    states: frozenset[JobState] = frozenset((state,) if isinstance(state, str) else state)
    if unknown := states - set(get_args(JobState)):
        raise BadInput(f"There is no state {min(unknown)!r}.")
    if status is None:
        return states
    if status not in get_args(JobStatus):
        raise BadInput(f"There is no status {status!r}.")
    if states and not states & states_of(status):
        raise BadInput(f"No state that was asked for shows as {status}.")
    return states & states_of(status) if states else states_of(status)


def _is_oldest_first(sort: Sort) -> bool:
    if sort not in get_args(Sort):
        raise BadInput(f"Images are sorted {' or '.join(get_args(Sort))}, not {sort!r}.")
    return sort == "oldest"


def _key(image: Image, kind: Kind) -> str:
    keys = {
        "original": image.original_key,
        "staged": image.staged_key,
        "labelled": image.labelled_key,
        "overlay": image.job.report.get("overlay_key"),
    }
    key = keys[kind]
    if isinstance(key, str):
        return key
    if image.job.state not in TERMINAL:
        raise NotReady(f"The image has no {kind} picture yet.")
    raise NotFound(f"The image has no {kind} picture.")
