"""What a plugin is shown: a job, a picture, events, an open ``Staging``."""

from __future__ import annotations

import io
from typing import NamedTuple

from staging_core.config import Settings
from staging_core.models import BillingEvent, Job, JobEvent, JobState, Picture

JOB = Job(
    id="job-1",
    image_id="image-1",
    group_id="group-1",
    account_id="local",
    state="finalizing",
    model="fake",
    attempts=1,
)
_STATES: tuple[JobState, ...] = ("queued", "preparing", "staging", "finalizing", "ready")


class OpenStaging(NamedTuple):
    """As much of an open ``Staging`` as a plugin is promised."""

    settings: Settings


def picture(width: int = 320, height: int = 240) -> Picture:
    """A PNG of a floor below a wall."""
    from PIL import Image

    drawn = Image.new("RGB", (width, height), (221, 217, 208))
    drawn.paste((133, 104, 76), (0, 2 * height // 3, width, height))
    buffer = io.BytesIO()
    drawn.save(buffer, "PNG")
    return Picture(data=buffer.getvalue(), content_type="image/png", width=width, height=height)


def events(number: int) -> list[JobEvent]:
    """The first events of one job."""
    return [
        JobEvent(
            position=100 + seq,
            account_id="local",
            job_id=JOB.id,
            image_id=JOB.image_id,
            group_id=JOB.group_id,
            seq=seq,
            type="state",
            state=_STATES[seq - 1],
            at=1_750_000_000.0 + seq,
        )
        for seq in range(1, number + 1)
    ]


def billing_events(number: int) -> list[BillingEvent]:
    """The first events of what one account has and pays, the last of a type that is to come."""
    types = ("credits.granted", "plan.given", "allowance.spent", "weather.changed")
    return [
        BillingEvent(
            position=position,
            id=f"billing-event-{position}",
            account_id="local",
            type=types[position - 1],
            at=1_750_000_000.0 + position,
        )
        for position in range(1, number + 1)
    ]
