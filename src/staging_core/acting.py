"""Work done by one principal in one account, grouped by noun."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from .api_keys import ApiKeys
from .database import attempts, events, images, jobs
from .database.streams import Scope
from .errors import NotFound, NotReady
from .live import Follower, Live
from .models import TERMINAL, Group, Image, Job, JobEvent, JobState, Principal, Update
from .photo import read_object
from .ports import Ports
from .profile import OwnProfile
from .repetition import repeat_job
from .scoped import needs
from .settlement import cancel_job
from .submission import Submission, Wish
from .tickets import Tickets
from .watch import Watch

Kind = Literal["original", "staged", "labelled", "overlay"]


class AttemptRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One try in a job's history. Times are Unix seconds; ``error`` is a stable code.

    ``handle``: how the provider of a model that answers later knows the prediction.
    """

    number: int
    state: str
    model: str = ""
    handle: str | None = None
    error: str | None = None
    message: str | None = None
    cost_usd: float = 0.0
    started_at: float = 0.0
    finished_at: float | None = None


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
        idempotency_key: str | None = None,
    ) -> Group:
        """Accept a photo for staging; the group of its variants, queued.

        ``photo``: a path, or the encoded bytes. ``seed`` 1..2^32-1 makes the result repeatable and
        is chosen at random otherwise; further variants count up from it. ``model``: the id of an
        open stager, by default the first. Raises ``BadInput`` and its kinds (``BadPicture``,
        ``UnknownRoom``, ``NotHonoured`` ...), ``Refused`` when a plugin vetoes,
        ``UsageLimitExceeded`` or ``TooManyQueued``; then nothing was kept.
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
        submission = Submission(self._ports, self._principal, idempotency_key)
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
    async def page(self, *, limit: int = 50, before: Image | None = None) -> list[Image]:
        """Images, newest first; ``before``: the last one of the page before."""
        place = None if before is None else (before.created_at, before.id)
        async with self._ports.database.read(self._account_id) as tx:
            return await images.page(tx, self._account_id, before=place, limit=limit)

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
    async def retry(self, image_id: str) -> Image:
        """A new job for an image that failed or was cancelled; ``AlreadyFinal`` else.

        ``UnknownModel`` when its model is not open here, ``TooManyQueued`` as for ``submit``.
        """
        ended: tuple[JobState, ...] = ("error", "cancelled")
        await repeat_job(self._ports, self._account_id, image_id, ended=ended)
        return await self.get(image_id)


class Jobs:
    """The account's jobs."""

    def __init__(self, ports: Ports, principal: Principal) -> None:
        self._ports = ports
        self._principal = principal
        self._account_id = principal.account_id

    @needs("images:read")
    async def get(self, job_id: str) -> Job:
        """One job; ``NotFound``."""
        async with self._ports.database.read(self._account_id) as tx:
            return jobs.as_job(await jobs.fetch(tx, self._account_id, job_id))

    @needs("images:read")
    async def page(
        self, *, state: JobState | None = None, limit: int = 50, before: Job | None = None
    ) -> list[Job]:
        """Jobs, newest first; ``before``: the last one of the page before."""
        place = None if before is None else (before.created_at, before.id)
        async with self._ports.database.read(self._account_id) as tx:
            return await jobs.page(tx, self._account_id, state=state, before=place, limit=limit)

    @needs("images:read")
    async def attempts(self, job_id: str) -> list[AttemptRecord]:
        """The job's tries in order."""
        async with self._ports.database.read(self._account_id) as tx:
            rows = await attempts.of_job(tx, self._account_id, job_id)
        fields = AttemptRecord.__struct_fields__
        return [AttemptRecord(**{name: row[name] for name in fields}) for row in rows]

    @needs("images:read")
    async def history(self, job_id: str) -> list[JobEvent]:
        """The job's events in order."""
        async with self._ports.database.read(self._account_id) as tx:
            return await events.of_job(tx, self._account_id, job_id)

    @needs("images:write")
    async def cancel(self, job_id: str) -> Job:
        """Cancel the job; ``AlreadyFinal`` when it has ended."""
        async with self._ports.database.write(self._account_id) as tx:
            await cancel_job(tx, self._account_id, job_id)
        return await self.get(job_id)


class Acting:
    """What ``Staging.acting_as`` gives: everything one principal may do, in its account only.

    A method that the principal's scopes do not allow raises ``Forbidden`` and does nothing.
    """

    def __init__(self, ports: Ports, watch: Watch, live: Live, principal: Principal) -> None:
        self.principal = self._principal = principal
        self.images = Images(ports, principal)
        self.jobs = Jobs(ports, principal)
        self.profile = OwnProfile(ports, principal)
        self.keys = ApiKeys(ports, principal)
        self.tickets = Tickets(ports, principal)
        self._watch = watch
        self._live = live

    @needs("events:read")
    def events(self, group: Group | None = None, *, after: int = 0) -> AsyncIterator[JobEvent]:
        """Events in order and without a gap, from the row after position ``after`` on.

        Of a group: the stream ends when all its jobs have. Else all of the account's, without end.
        """
        group_id = None if group is None else group.id
        return self._watch.follow(self.principal.account_id, group_id=group_id, after=after)

    @needs("events:read")
    async def follow(
        self, wake: Callable[[], None], *, image_id: str | None = None, after: int | None = None
    ) -> tuple[Follower, list[Update]]:
        """Follow the account's images, or one: where they stand now, and who takes what comes.

        ``wake``: called, quickly, whenever the follower's ``take`` has something. ``after``: a
        position that an update told before; every event since is told again. ``NotFound``.
        """
        scope = Scope(self.principal.account_id, image_id)
        return await self._live.follow(scope, wake, after=after)

    @needs("events:read")
    def updates(
        self, *, image_id: str | None = None, after: int | None = None
    ) -> AsyncIterator[Update]:
        """The same as a stream without an end: first snapshots, then what happens."""
        return self._live.updates(Scope(self.principal.account_id, image_id), after=after)

    async def wait(self, group: Group) -> Group:
        """The group when all its jobs have ended."""
        async for _ in self.events(group):
            pass
        return await self.images.group(group.id)


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
