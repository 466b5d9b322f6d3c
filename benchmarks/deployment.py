"""The reference deployment here: PostgreSQL, Redis, the double of Replicate, a worker process."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import process
from benchmarks.places import PostgresPlace
from staging_core.testing.replicate import RunningReplicate, replicate_process
from staging_core.testing.servers.databases import Databases
from staging_core.testing.servers.postgres import PostgresServer, postgres_server
from staging_core.testing.servers.redis import redis_server

MODEL = "qwen/qwen-image-edit"

_OURS = """
SELECT a.handle, j.state, j.timings_ms::text AS timings,
  extract(epoch FROM pg_xact_commit_timestamp(j.xmin)
    - pg_xact_commit_timestamp(g.xmin))::float8 AS seconds
FROM staging_jobs j JOIN staging_groups g ON g.id = j.group_id
  LEFT JOIN staging_attempts a ON a.job_id = j.id AND a.handle IS NOT NULL
ORDER BY j.created_at
"""
_THEIRS = """
SELECT j.handle, j.state, json_build_object('verify', coalesce(j.verify_ms, 0))::text AS timings,
  extract(epoch FROM pg_xact_commit_timestamp(j.xmin)
    - pg_xact_commit_timestamp(a.xmin))::float8 AS seconds
FROM bare_jobs j JOIN bare_accepted a USING (id)
ORDER BY pg_xact_commit_timestamp(a.xmin)
"""


class JobTimes(msgspec.Struct, frozen=True):
    """One job's way, in seconds: what was ``added`` to its prediction, its ``picture`` work."""

    handle: str | None
    state: str
    added: float
    picture: float


class Deployment:
    """The servers of one run. ``settings``: what every process of the installation is told."""

    def __init__(
        self, place: PostgresPlace, redis_url: str, replicate: RunningReplicate, home: Path
    ) -> None:
        self.place = place
        self.redis_url = redis_url
        self.replicate = replicate
        self.home = home
        self.settings: dict[str, Any] = {
            "home": home,
            "queue": redis_url,
            "stager": f"replicate:{MODEL}",
            "plugins": "",
            "provider_creates_per_minute": 1_000_000,
            **self.place.settings,
        }
        self.secrets = {
            "REPLICATE_BASE_URL": replicate.url,
            "REPLICATE_API_TOKEN": replicate.token,
            "REPLICATE_WEBHOOK_SECRET": replicate.secret,
        }

    @contextmanager
    def worker(self, public_url: str) -> Iterator[int]:
        """``staging worker`` at work; its process id."""
        named = {**self.settings, "public_url": public_url}
        env = {f"STAGING_{name.upper()}": str(value) for name, value in named.items()}
        words = ("-m", "staging_core", "worker")
        with process.python(*words, said="Working on", env={**env, **self.secrets}) as it:
            yield it.pid

    def ours(self) -> list[JobTimes]:
        """The installation's jobs, in order."""
        return self._found(_OURS)

    def theirs(self) -> list[JobTimes]:
        """The bare chain's jobs, in order."""
        return self._found(_THEIRS)

    def asked(self, handles: Collection[str | None]) -> Mapping[str, int]:
        """What the provider was asked for about these predictions: creates, reads, polls.

        A poll is every read but the first.
        """
        reads = Counter(
            record["path"].rpartition("/")[2]
            for record in self.replicate.truth("request")
            if record["method"] == "GET" and record["path"].startswith("/v1/predictions/")
        )
        made = [one for one in self.replicate.predictions() if one["id"] in handles]
        read = [reads[one["id"]] for one in made]
        polls = sum(max(0, times - 1) for times in read)
        return {"creates": len(made), "gets": sum(read) - polls, "polls": polls}

    def _found(self, query: str) -> list[JobTimes]:
        models = {
            one["id"]: one["completed_at"] - one["created_at"]
            for one in self.replicate.predictions()
            if one["completed_at"]
        }
        return [
            _times(row, models.get(row["handle"], 0.0))
            for row in self.place.server.run(query, database=self.place.name)
        ]


def _times(row: Mapping[str, Any], model_s: float) -> JobTimes:
    timings = msgspec.json.decode(row["timings"], type=dict[str, float])
    picture = (timings.get("verify", 0.0) + timings.get("label", 0.0)) / 1e3
    added = row["seconds"] - model_s - picture
    return JobTimes(row["handle"], row["state"], added, picture)


@contextmanager
def deployment(home: Path, *, run_s: float) -> Iterator[Deployment]:
    """Everything but the worker, running. ``run_s``: how long the model takes for a prediction."""
    with ExitStack() as stack:
        postgres = stack.enter_context(postgres_server())
        postgres.run("ALTER SYSTEM SET track_commit_timestamp = on")
        postgres.restart(crash=False)
        redis = stack.enter_context(redis_server())
        # What the model draws is its time, not ours.
        double = ("--run-s", f"{run_s}", "--one-picture")
        unlimited = ("--creates-per-minute", "0", "--others-per-minute", "0")
        replicate = stack.enter_context(replicate_process((*double, *unlimited)))
        yield Deployment(_place(postgres, stack), redis.url, replicate, home)


def _place(server: PostgresServer, stack: ExitStack) -> PostgresPlace:
    return PostgresPlace(server, stack.enter_context(Databases(server).fresh()))


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Variables of this process, while the block runs."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
