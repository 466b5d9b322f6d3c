"""A deployment of real parts on this machine, each of them a process that can be killed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from staging_core import Staging
from staging_core.testing.replicate import RunningReplicate, replicate_process
from staging_core.testing.s3 import S3Process
from staging_core.testing.servers.databases import Databases
from staging_core.testing.servers.postgres import PostgresServer, postgres_server
from staging_core.testing.servers.redis import RedisServer, redis_server

from .program import Program, free_port

LEASE_S = 5.0
BRISK = {
    "lease_s": LEASE_S,
    "sweep_s": 1.0,
    "poll_s": 3.0,
    "backoff_max_s": 4.0,
    "unknown_outcome_s": 10.0,
    "prediction_deadline_s": 30.0,
    "provider_creates_per_minute": 60_000,
    "picture_processes": 1,
    "worker_concurrency": 8,
}
"""As in production, only sooner: a test cannot wait for minutes."""

_SECRETS = ("REPLICATE_API_TOKEN", "REPLICATE_WEBHOOK_SECRET", "AWS_SECRET_ACCESS_KEY")


@dataclass(frozen=True)
class Deployment:
    """``settings``: keywords for ``Staging``; ``variables``: what processes are told besides."""

    home: Path
    settings: dict[str, object]
    variables: dict[str, str]
    postgres: PostgresServer
    redis: RedisServer
    replicate: RunningReplicate

    @property
    def environment(self) -> dict[str, str]:
        """For a process of this deployment."""
        named = {f"STAGING_{name.upper()}": str(value) for name, value in self.settings.items()}
        return {**os.environ, **self.variables, **named, "STAGING_PLUGINS": ""}

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must stand in no row and no log."""
        return tuple(self.variables[name] for name in _SECRETS if name in self.variables)

    def client(self, **settings: object) -> Staging:
        """An installation that works on nothing: what a web process opens."""
        return Staging(worker=False, plugins=(), **{**self.settings, **settings})

    def logs(self) -> dict[str, str]:
        """What every process of ours wrote, by name."""
        folder = self.home / "logs"
        return {path.stem: path.read_text("utf-8", "replace") for path in folder.glob("*.log")}


@contextmanager
def deployed(
    home: Path, *, provider: Sequence[str] = (), bucket: bool = False, **settings: object
) -> Iterator[Deployment]:
    """All servers, and who takes callbacks.

    ``provider``: the double's command line. ``bucket``: pictures lie at an S3 server, not in files.
    """
    with ExitStack() as stack:
        (home / "logs").mkdir(parents=True)
        postgres = stack.enter_context(postgres_server())
        redis = stack.enter_context(redis_server())
        replicate = stack.enter_context(replicate_process(["--creates-per-minute", "0", *provider]))
        s3 = stack.enter_context(S3Process()) if bucket else None
        port = free_port()
        deployment = Deployment(
            home=home,
            settings={
                **BRISK,
                "home": str(home / "home"),
                "storage": "file:" if s3 is None else s3.url("photos", "staging"),
                **stack.enter_context(Databases(postgres).fresh()),
                "queue": f"{redis.url}?prefix=t{uuid4().hex[:8]}",
                "stager": "replicate:qwen/qwen-image-edit",
                "public_url": f"http://127.0.0.1:{port}",
                **settings,
            },
            variables={
                "REPLICATE_BASE_URL": replicate.url,
                "REPLICATE_API_TOKEN": replicate.token,
                "REPLICATE_WEBHOOK_SECRET": replicate.secret,
                **({} if s3 is None else s3.secrets),
            },
            postgres=postgres,
            redis=redis,
            replicate=replicate,
        )
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in deployment.variables.items():
            patch.setenv(name, value)
        stack.enter_context(callback_address(deployment, port))
        yield deployment


@contextmanager
def callback_address(deployment: Deployment, port: int) -> Iterator[Program]:
    """The process that takes callbacks, under ``public_url``."""
    script = Path(__file__).with_name("callback_process.py")
    program = Program(
        [sys.executable, str(script), str(port)],
        environment=deployment.environment,
        log=deployment.home / "logs/callbacks.log",
    )
    try:
        program.start()
        program.wait_until_port_answers(port)
        yield program
    finally:
        program.kill()
