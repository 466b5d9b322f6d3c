"""``staging worker`` processes, as many as a deployment has."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from .deployment import Deployment
from .program import Program

_UP = "Working on the jobs"


class Workers:
    """Real workers; any of them may be killed at any time."""

    def __init__(self, deployment: Deployment, number: int) -> None:
        self.kills = self.revived = 0
        self._programs = [
            Program(
                [sys.executable, "-m", "staging_core", "worker"],
                environment=deployment.environment,
                log=deployment.home / f"logs/worker-{place}.log",
            )
            for place in range(number)
        ]

    def start(self) -> None:
        """Start all."""
        for program in self._programs:
            program.start()

    def kill(self) -> None:
        """``kill -9`` to all."""
        for program in self._programs:
            program.kill()

    def kill_one(self, dice: random.Random) -> None:
        """``kill -9`` to any of them that is up, and another starts in its place.

        Nothing while fewer than half would be left up: where a worker takes longer to start than
        the next kill to come, nobody would ever work, and nothing could go wrong.
        """
        up = [program for program in self._programs if program.has_said(_UP)]
        if 2 * (len(up) - 1) >= len(self._programs):
            program = dice.choice(up)
            program.kill()
            program.start()
            self.kills += 1

    def stop(self, within_s: float = 25.0) -> list[tuple[int, float]]:
        """SIGTERM to each; exit codes and seconds."""
        return [program.stop(within_s) for program in self._programs]

    def revive(self) -> None:
        """Start those again that ended by themselves, as a supervisor does."""
        for program in self._programs:
            if program.ended() is not None:
                program.kill()
                program.start()
                self.revived += 1


@contextmanager
def working(deployment: Deployment, number: int) -> Iterator[Workers]:
    """That many workers, killed at the end."""
    workers = Workers(deployment, number)
    try:
        workers.start()
        yield workers
    finally:
        workers.kill()
