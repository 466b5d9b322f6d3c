"""``staging submit``: photos into the queue."""

from __future__ import annotations

from typing import Any

import click

from . import options
from .answer import say_json, say_line
from .failure import WRONG_USE, failure_from, say_failure
from .running import run

EXAMPLES = """\b
Examples:
  staging submit empty.jpg --room living_room --style modern
  staging submit *.jpg --room bedroom --style coastal --variants 2 --json
  staging submit empty.jpg --room bedroom --style luxury --key order-4711
"""


@click.command(epilog=EXAMPLES)
@options.photos
@options.wish
@click.option("--key", help="Idempotency key: the same one never makes a second job.")
@options.as_json
def command(photos: tuple[str, ...], key: str | None, as_json: bool, **wish: Any) -> int:
    """Put photos in the queue for a worker.

    Returns as soon as the jobs are accepted; `staging worker` works on them, `staging jobs` tells
    how they stand.
    """
    if key is not None and len(photos) > 1:
        raise click.UsageError("--key is for a single photo.")
    return run(lambda: _submit(photos, {**wish, "idempotency_key": key}, as_json))


async def _submit(photos: tuple[str, ...], wish: dict[str, Any], as_json: bool) -> int:
    from staging_core import OWNER, Staging
    from staging_core.errors import StagingError

    code = 0
    async with Staging.from_env(worker=False) as staging:
        me = staging.acting_as(OWNER)
        for photo in photos:
            try:
                _tell(photo, await me.images.submit(photo, **wish), as_json)
            except StagingError as error:
                failure = failure_from(error)
                if failure.exit_code == WRONG_USE:
                    raise
                if as_json:
                    say_json({"error": failure.as_json()})
                else:
                    say_failure(failure, photo)
                code = failure.exit_code
    return code


def _tell(photo: str, group: Any, as_json: bool) -> None:
    from .job_words import job_view

    if as_json:
        jobs = [job_view(image.job) for image in group.images]
        say_json({"group": group.id, "replayed": group.replayed, "jobs": jobs})
        return
    for image in group.images:
        request = image.request
        say_line(f"{photo}: job {image.job.id}, {request.style}, seed {request.seed}")
