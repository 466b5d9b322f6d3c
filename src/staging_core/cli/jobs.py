"""``staging jobs``: how jobs stand, and what can be done about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import click

from staging_core.models import Job, JobEvent
from staging_core.models.job import JobState

from . import options
from .answer import say_json, say_table
from .job_words import event_view, job_row, job_view, tell, tell_all
from .operator import Duration, run_as_operator
from .requeue import requeue

if TYPE_CHECKING:
    from staging_core.operating import Operating

EXAMPLES = """\b
Examples:
  staging jobs list --state error --since 1h
  staging jobs show 0b2f6c1e-3f0a-4f0e-9a43-0d8a54d3c7b1 --json
  staging jobs retry 0b2f6c1e-3f0a-4f0e-9a43-0d8a54d3c7b1
  staging jobs requeue --code attempts_exhausted --since 1h --dry-run
"""


@click.group(epilog=EXAMPLES)
def command() -> None:
    """List jobs, show one, cancel or retry it; make dead ones anew."""


command.add_command(requeue)


@command.command("list", epilog=EXAMPLES)
@click.option("--state", type=click.Choice(get_args(JobState)), help="Only jobs in this state.")
@click.option("--code", metavar="CODE", help="Only jobs that ended with this error.")
@click.option("--model", metavar="NAME", help="Only jobs of this model.")
@click.option("--account", "account_id", metavar="ID", help="Only jobs of this account.")
@click.option(
    "--since", "since_s", type=Duration(), help="Only jobs that changed within: 30m, 1h, 2d."
)
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@options.as_json
def list_(as_json: bool, **which: Any) -> None:
    """List jobs, the newest first."""
    jobs = run_as_operator(lambda operating: operating.jobs(**which))
    if as_json:
        say_json({"jobs": [job_view(job) for job in jobs]})
    else:
        say_table(("job", "state", "tries", "made", "error"), [job_row(job) for job in jobs])


@command.command(epilog=EXAMPLES)
@click.argument("job_id", metavar="JOB")
@options.as_json
def show(job_id: str, as_json: bool) -> None:
    """Show a job with its tries and its history.

    A try is `started` (asked), `unknown` (the answer was lost), `waiting` (a prediction runs),
    `succeeded`, `failed`, `cancelled`, `waste` (a prediction that came too late), and so on.
    """

    async def read(operating: Operating) -> tuple[Job, list[Any], list[JobEvent], str]:
        job = await operating.job(job_id)
        me = operating.acting_for(job)
        newest = (await me.images.get(job.image_id)).job.id
        return job, await me.jobs.attempts(job_id), await me.jobs.history(job_id), newest

    job, tries, events, newest = run_as_operator(read)
    if as_json:
        history = [event_view(event) for event in events]
        say_json({**job_view(job), "newest_job_id": newest, "tries": tries, "history": history})
    else:
        tell_all(job, tries, events, newest)


@command.command(epilog=EXAMPLES)
@click.argument("job_id", metavar="JOB")
@options.as_json
def cancel(job_id: str, as_json: bool) -> None:
    """Cancel a job that has not ended."""

    tell(run_as_operator(lambda operating: operating.cancel(job_id)), as_json=as_json)


@command.command(epilog=EXAMPLES)
@click.argument("job_id", metavar="JOB")
@options.as_json
def retry(job_id: str, as_json: bool) -> None:
    """Make a new job for the image of one that failed or was cancelled."""

    tell(run_as_operator(lambda operating: operating.retry(job_id)), as_json=as_json)
