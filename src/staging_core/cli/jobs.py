"""``staging jobs``: how jobs stand, and what can be done about them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, get_args

import click
import msgspec

from staging_core.models import Job
from staging_core.models.job import JobState

from . import options
from .answer import say_json, say_line, say_table
from .running import run

EXAMPLES = """\b
Examples:
  staging jobs list --state error
  staging jobs show 0b2f6c1e-3f0a-4f0e-9a43-0d8a54d3c7b1 --json
  staging jobs retry 0b2f6c1e-3f0a-4f0e-9a43-0d8a54d3c7b1
"""


@click.group(epilog=EXAMPLES)
def command() -> None:
    """List jobs, show one, cancel or retry it."""


@command.command("list", epilog=EXAMPLES)
@click.option("--state", type=click.Choice(get_args(JobState)), help="Only jobs in this state.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@options.as_json
def list_(state: JobState | None, limit: int, as_json: bool) -> None:
    """List jobs, the newest first."""

    async def page(me: Any) -> list[Job]:
        found: list[Job] = await me.jobs.page(state=state, limit=limit)
        return found

    jobs = run(lambda: _with_owner(page))
    if as_json:
        say_json({"jobs": [job_view(job) for job in jobs]})
        return
    rows = [(job.id, job.state, job.attempts, _when(job), job.error or "") for job in jobs]
    say_table(("job", "state", "tries", "made", "error"), rows)


@command.command(epilog=EXAMPLES)
@click.argument("job_id", metavar="JOB")
@options.as_json
def show(job_id: str, as_json: bool) -> None:
    """Show a job with its tries and its history."""

    async def read(me: Any) -> tuple[Job, list[Any], list[Any]]:
        job = await me.jobs.get(job_id)
        return job, await me.jobs.attempts(job_id), await me.jobs.history(job_id)

    job, attempts, events = run(lambda: _with_owner(read))
    if as_json:
        history = [_event_view(event) for event in events]
        say_json({**job_view(job), "tries": attempts, "history": history})
        return
    say_line(f"{job.id}: {job.state}" + (f", {job.message} ({job.error})" if job.error else ""))
    say_line(f"  image {job.image_id}, model {job.model}, {job.cost_usd:.2f} USD")
    for attempt in attempts:
        why = f", {attempt.message} ({attempt.error})" if attempt.error else ""
        say_line(f"  try {attempt.number}: {attempt.state}{why}")
    for event in events:
        if event.type == "state":
            say_line(f"  {_clock(event.at)}  {event.state}")


@command.command(epilog=EXAMPLES)
@click.argument("job_id", metavar="JOB")
@options.as_json
def cancel(job_id: str, as_json: bool) -> None:
    """Cancel a job that has not ended."""

    async def act(me: Any) -> Job:
        job: Job = await me.jobs.cancel(job_id)
        return job

    _tell(run(lambda: _with_owner(act)), as_json)


@command.command(epilog=EXAMPLES)
@click.argument("job_id", metavar="JOB")
@options.as_json
def retry(job_id: str, as_json: bool) -> None:
    """Make a new job for the image of one that failed or was cancelled."""

    async def act(me: Any) -> Job:
        image = await me.images.retry((await me.jobs.get(job_id)).image_id)
        job: Job = image.job
        return job

    _tell(run(lambda: _with_owner(act)), as_json)


def job_view(job: Job) -> dict[str, Any]:
    """A job as ``--json`` shows it: its fields, and the coarse status."""
    fields = msgspec.structs.asdict(job)
    first = {name: fields.pop(name) for name in ("id", "image_id")}
    return {**first, "status": job.status, **fields}


def _event_view(event: Any) -> dict[str, Any]:
    names = ("seq", "position", "type", "state", "at", "data")
    return {name: getattr(event, name) for name in names}


async def _with_owner(act: Callable[[Any], Awaitable[Any]]) -> Any:
    from staging_core import OWNER, Staging

    async with Staging.from_env(worker=False) as staging:
        return await act(staging.acting_as(OWNER))


def _tell(job: Job, as_json: bool) -> None:
    if as_json:
        say_json(job_view(job))
    else:
        say_line(f"{job.id}: {job.state}")


def _when(job: Job) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(job.created_at))


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))
