"""Jobs through all faults at once: submitted, tormented, judged."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

from staging_core.audit import counted

from .client import Client
from .deployment import Deployment, deployed
from .judgement import Judge, judging
from .report import Report, provider_figures
from .tormentor import Tormentor
from .workers import working

CHAOS = {
    "busy": 0.05,
    "error-before": 0.015,
    "error-after": 0.015,
    "lost-answer": 0.02,
    "late-landing": 0.02,
    "late-landing-s": 4.0,
    "retry-after-s": 0.5,
    "failed": 0.05,
    "stall": 0.005,
    "unknown-status": 0.01,
    "slow-s": 6.0,
    "garbage": 0.03,
    "html": 0.01,
    "wrong-size": 0.01,
    "callbacks-lost": 0.05,
    "callbacks-doubled": 0.05,
    "callbacks-late": 0.05,
    "callbacks-late-s": 2.0,
    "error-reading": 0.03,
}


@dataclass(frozen=True)
class Form:
    """How much of it.

    ``plan``: what happens at which share of ended jobs, such as ``(0.4, "crash_postgres")``;
    beside that a worker is killed every ``pause`` seconds, ``kills`` times at most. The faults
    end after the plan and when ``until`` of the jobs have ended, or after ``longest_s``.
    ``bucket``: pictures lie at an S3 server, and the provider fetches photos from there.
    """

    jobs: int
    workers: int
    plan: Sequence[tuple[float, str]]
    seed: int
    pause: tuple[float, float] = (0.7, 2.0)
    kills: float = inf
    until: float = 0.9
    longest_s: float = 240.0
    final_within_s: float = 120.0
    chaos: dict[str, float] = field(default_factory=lambda: CHAOS)
    bucket: bool = False

    def provider(self) -> list[str]:
        """The provider's command line."""
        options = [part for name, value in self.chaos.items() for part in (f"--{name}", str(value))]
        return ["--seed", str(self.seed), "--run-s", "1", "--run-spread-s", "0.8", *options]


def ordeal(home: Path, form: Form) -> Report:
    """Run it; the report says what was found, and judges nothing."""
    with deployed(home, provider=form.provider(), bucket=form.bucket) as deployment:
        return asyncio.run(_ordeal(deployment, form))


async def _ordeal(deployment: Deployment, form: Form) -> Report:
    dice = random.Random(form.seed)  # noqa: S311
    async with deployment.client() as staging, judging(deployment) as judge:
        client = Client(staging, dice)
        with working(deployment, form.workers) as workers:
            tormentor = Tormentor(deployment, workers, dice, form)
            times = await _through(deployment, form, judge, client, tormentor)
            books_after_s, found = await judge.wait_until_books_agree(client.accepted, 120)
            stopped = await asyncio.to_thread(workers.stop)
        found += await judge.violations_after_sweeping(client.accepted)
        return Report(
            jobs=form.jobs,
            workers=form.workers,
            seed=form.seed,
            outcomes=dict(await judge.outcomes()),
            violations=counted(found),
            found=[str(violation) for violation in found],
            leaks=judge.leaks(),
            faults={
                "worker kills": workers.kills,
                "workers started again": workers.revived,
                "client repeats": client.repeats,
                **tormentor.done,
            },
            **times,
            books_after_s=round(books_after_s, 1),
            stop_s=[round(seconds, 1) for _, seconds in stopped],
            stop_codes=[code for code, _ in stopped],
            **provider_figures(deployment.replicate, form.jobs),
        )


async def _through(
    deployment: Deployment, form: Form, judge: Judge, client: Client, tormentor: Tormentor
) -> dict[str, float]:
    """From the first submit to the last end; how long it took."""
    began = time.monotonic()
    submitting = asyncio.create_task(client.submit(form.jobs))
    await tormentor.torment(lambda: judge.progress(form.jobs))
    tormented_s = time.monotonic() - began
    deployment.replicate.chaos(**{name.replace("-", "_"): 0.0 for name in form.chaos})
    await submitting
    await judge.wait_until_all_ended(form.jobs, within_s=form.final_within_s)
    all_s = time.monotonic() - began
    return {
        "tormented_s": round(tormented_s, 1),
        "final_after_s": round(all_s - tormented_s, 1),
        "jobs_per_s": round(form.jobs / all_s, 2),
    }
