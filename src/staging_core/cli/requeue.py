"""``staging jobs requeue``: dead jobs are made anew for their images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from staging_core.errors import StagingError
from staging_core.models import Job

from . import options
from .answer import say_json, say_line
from .failure import FAILED, Failure, failure_from, say_failure
from .job_words import job_view
from .operator import Duration, run_as_operator

if TYPE_CHECKING:
    from staging_core.operating import Operating

EXAMPLES = """\b
Examples:
  staging jobs requeue 0b2f6c1e-3f0a-4f0e-9a43-0d8a54d3c7b1
  staging jobs requeue --code attempts_exhausted --since 1h --dry-run
  staging jobs requeue --state error --limit 500 --by "Ada, after the outage"
"""


class Requeued(msgspec.Struct, frozen=True, kw_only=True):
    """A dead job, and the one that took its place; None when it only would have, or was refused."""

    dead: Job
    new: Job | None = None
    failure: Failure | None = None


@click.command(epilog=EXAMPLES)
@click.argument("job_id", metavar="[JOB]", required=False)
@click.option("--state", type=click.Choice(["error"]), help="All dead jobs.")
@click.option("--code", metavar="CODE", help="Dead jobs that ended with this error.")
@click.option("--model", metavar="NAME", help="Dead jobs of this model.")
@click.option("--account", "account_id", metavar="ID", help="Dead jobs of this account.")
@click.option("--since", "since_s", type=Duration(), help="Dead jobs of the last 30m, 1h, 2d.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@click.option("--by", metavar="WHO", help="Who asks, for the record; else the system's user.")
@click.option("--dry-run", is_flag=True, help="Only tell which jobs it would be.")
@options.as_json
def requeue(job_id: str | None, by: str | None, dry_run: bool, as_json: bool, **which: Any) -> int:
    """Make a new job for the image of a dead one, or of many.

    Name one JOB, or choose by options; of those that fit, the newest up to --limit. A job is dead
    when its state is `error`; it stays as it is, and the first event of the new one keeps who
    asked, when, and in place of which job. Images that have a newer job are left alone.
    """
    chosen = any(value for name, value in which.items() if name != "limit")
    if (job_id is not None) == chosen:
        raise click.UsageError("Name one JOB, or choose jobs by options: --state error is all.")
    if job_id is not None and dry_run:
        raise click.UsageError("--dry-run is for many; `staging jobs show` shows one.")

    async def act(operating: Operating) -> list[Requeued]:
        if job_id is not None:
            dead = await operating.job(job_id)
            return [Requeued(dead=dead, new=await operating.requeue(job_id))]
        all_dead = await operating.jobs(**{**which, "state": "error"}, latest=True)
        return [await _one(operating, dead, dry_run=dry_run) for dead in all_dead]

    return _tell(run_as_operator(act, by=by), dry_run=dry_run, as_json=as_json)


async def _one(operating: Operating, dead: Job, *, dry_run: bool) -> Requeued:
    """One that cannot be made anew does not keep the others from it."""
    if dry_run:
        return Requeued(dead=dead)
    try:
        return Requeued(dead=dead, new=await operating.requeue(dead.id))
    except StagingError as error:
        return Requeued(dead=dead, failure=failure_from(error))


def _tell(results: list[Requeued], *, dry_run: bool, as_json: bool) -> int:
    refused = [one for one in results if one.failure is not None]
    if as_json:
        say_json(_as_json(results, refused, dry_run))
    else:
        for one in results:
            _tell_one(one)
        done = "would be made anew" if dry_run else "made anew"
        say_line(f"{len(results) - len(refused)} {done}, {len(refused)} not")
    return FAILED if refused else 0


def _tell_one(one: Requeued) -> None:
    if one.failure is not None:
        say_failure(one.failure, one.dead.id)
    else:
        say_line(f"{one.dead.id} -> {'?' if one.new is None else one.new.id}")


def _as_json(results: list[Requeued], refused: list[Requeued], dry_run: bool) -> dict[str, Any]:
    first = next((one.failure for one in refused if one.failure), None)
    return {
        "dry_run": dry_run,
        "requeued": [
            {"from": one.dead.id, "job": None if one.new is None else job_view(one.new)}
            for one in results
            if one.failure is None
        ],
        "refused": [
            {"from": one.dead.id, "error": one.failure.as_json()}
            for one in refused
            if one.failure is not None
        ],
        **({} if first is None else {"error": first.as_json()}),
    }
