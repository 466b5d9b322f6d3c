"""A new job for an image whose job has ended without a result."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import Any

from .creation import Creation
from .database import accounts, audit_log, claims, images, jobs, reservations
from .errors import AlreadyFinal, UsageLimitExceeded
from .models import Actor, Image, JobState, Wake
from .ports import Ports
from .reservation import MOST_QUOTES, Stale, hold, quoted
from .reserving import reserving
from .runtime_settings import current
from .submission import check_depth, nudge, open_model


async def repeat_job(
    ports: Ports,
    account_id: str,
    image_id: str,
    *,
    ended: Collection[JobState],
    job_id: str | None = None,
    told: dict[str, Any] | None = None,
    creation: Creation | None = None,
    operator: Actor | None = None,
) -> str:
    """Make the image's next job, with ``told`` in its first event; its id, kept by ``creation``.

    ``AlreadyFinal`` unless the image's job ended as one of ``ended`` and, where ``job_id`` is
    given, is that one. ``operator``: who asks, where it is not the account. ``UnknownModel`` when
    its model is not open here, ``TooManyQueued``.
    """
    for _ in range(MOST_QUOTES):
        with suppress(Stale):
            return await _repeated(
                ports,
                account_id,
                image_id,
                ended=ended,
                job_id=job_id,
                told=told,
                creation=creation,
                operator=operator,
            )
    raise UsageLimitExceeded("Others of the account were faster, again and again.")


async def _repeated(
    ports: Ports,
    account_id: str,
    image_id: str,
    *,
    ended: Collection[JobState],
    job_id: str | None,
    told: dict[str, Any] | None,
    creation: Creation | None,
    operator: Actor | None,
) -> str:
    async with ports.database.read(account_id) as tx:
        image = await images.get(tx, account_id, image_id)
        paid = await reservations.was_captured(tx, image_id)
    _check(image, ended, job_id)
    open_model(ports, image.job.model)
    quote = await quoted(ports, account_id, image.job.model, 1)
    most = await current(ports, "max_queued")
    async with (
        reserving(ports, account_id, quote, image.job.model, 1, paid=paid) as reserved,
        ports.database.write(account_id) as tx,
    ):
        await accounts.hold(tx, account_id)
        image = await images.get(tx, account_id, image_id)
        _check(image, ended, job_id)
        lane = open_model(ports, image.job.model).card.lane
        check_depth(await claims.queued_count(tx, account_id), 1, most=most)
        held = await hold(tx, ports, account_id, quote, 1)
        await reserved.keep(tx)
        row = await images.row(tx, image_id, account_id=account_id)
        # It was read after the job that was judged: who was faster has made another.
        _check_newest(row["job_id"], image.job.id)
        new_id = await jobs.repeat(
            tx,
            row,
            lane=lane,
            model=image.job.model,
            told=told,
            trace=ports.telemetry.current(),
            reserved_in=held.balances[0],
            usage_period=held.period,
            reservation_id=reserved.by_image[0],
        )
        if creation is not None:
            await creation.keep(tx, [new_id])
        if operator is not None:
            await audit_log.add(
                tx,
                "job.requeued",
                operator,
                target=image.job.id,
                account_id=account_id,
                before={"state": image.job.state, "error": image.job.error},
                after={"job_id": new_id},
            )
    ports.telemetry.count("staging.jobs.submitted", model=image.job.model)
    await nudge(ports, Wake(job_id=new_id, lane=lane))
    return new_id


def _check(image: Image, ended: Collection[JobState], job_id: str | None) -> None:
    if job_id is not None:
        _check_newest(image.job.id, job_id)
    if image.job.state not in ended:
        raise AlreadyFinal(
            f"The image's job is {image.job.state}.",
            remedy=f"Only one whose job ended as {' or '.join(ended)} is tried again here.",
        )


def _check_newest(newest: str, job_id: str) -> None:
    if newest != job_id:
        raise AlreadyFinal(
            f"The job's image has a newer job, {newest}.", remedy="Look at that one."
        )
