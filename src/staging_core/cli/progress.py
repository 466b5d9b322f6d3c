"""Progress bars: on a terminal, on stderr, nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from staging_core.models import TERMINAL, Job, JobEvent

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Bars:
    """One bar a job; without a terminal there are none, and all calls do nothing."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._bars: dict[str, TaskID] = {}

    def add(self, job: Job, name: str) -> None:
        """A bar for this job."""
        if self._progress is not None:
            self._bars[job.id] = self._progress.add_task(name, total=1.0, phase=job.state)

    def show(self, event: JobEvent) -> None:
        """Move the job's bar."""
        if self._progress is None or event.job_id not in self._bars:
            return
        share = 1.0 if event.state in TERMINAL else event.data.get("progress")
        phase = event.data.get("phase") or event.state
        self._progress.update(self._bars[event.job_id], completed=share, phase=phase)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Out of the way while an answer is written."""
        if self._progress is None:
            yield
            return
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()


@contextmanager
def bars() -> Iterator[Bars]:
    """Bars that vanish at the end, so that only answers stay."""
    if not sys.stderr.isatty():
        yield Bars(None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[phase]}", markup=False),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    # Answers on stdout are for whoever reads it, also while the bars are shown.
    with Progress(
        *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as progress:
        yield Bars(progress)
