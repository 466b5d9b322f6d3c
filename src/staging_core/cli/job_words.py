"""Jobs as commands show them."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from staging_core.models import Job, JobEvent

from .answer import say_json, say_line


def job_view(job: Job) -> dict[str, Any]:
    """A job as ``--json`` shows it: its fields, and the coarse status."""
    fields = msgspec.structs.asdict(job)
    first = {name: fields.pop(name) for name in ("id", "image_id")}
    return {**first, "status": job.status, **fields}


def event_view(event: JobEvent) -> dict[str, Any]:
    """An event as ``--json`` shows it."""
    names = ("seq", "position", "type", "state", "at", "data")
    return {name: getattr(event, name) for name in names}


def job_row(job: Job) -> tuple[object, ...]:
    """A line of the table ``job, state, tries, made, error``."""
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(job.created_at))
    return (job.id, job.state, job.attempts, made, job.error or "")


def tell(job: Job, *, as_json: bool) -> None:
    """A job and its state."""
    if as_json:
        say_json(job_view(job))
    else:
        say_line(f"{job.id}: {job.state}")


def tell_all(job: Job, tries: list[Any], history: list[JobEvent], newest_id: str) -> None:
    """A job with everything that is known of it, for people."""
    say_line(f"{job.id}: {job.state}" + (f", {job.message} ({job.error})" if job.error else ""))
    say_line(f"  image {job.image_id}, model {job.model}, {job.cost_usd:.2f} USD")
    if newest_id != job.id:
        say_line(f"  the image's newest job is {newest_id}")
    for one in tries:
        say_line(f"  try {one.number}: {_try_words(one)}")
    for event in history:
        if event.type == "state":
            say_line(f"  {_clock(event.at)}  {event.state}{_origin(event)}")


def _try_words(one: Any) -> str:
    """State, model, the provider's name for it, cost, and what went wrong."""
    known = [one.state, one.model]
    known += [f"prediction {one.handle}"] if one.handle else []
    known += [f"{one.cost_usd:.2f} USD"] if one.cost_usd else []
    known += [f"{one.message} ({one.error})"] if one.error else []
    return ", ".join(word for word in known if word)


def _origin(event: JobEvent) -> str:
    by, old = event.data.get("requeued_by"), event.data.get("requeued_from")
    return f", requeued by {by} in place of {old}" if by else ""


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))
