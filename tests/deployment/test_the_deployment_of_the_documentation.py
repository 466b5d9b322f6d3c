"""The page "Deploy" as a stranger follows it: its variables, its file, its commands, real parts."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from staging_core import OWNER, Group, Staging
from staging_core.testing.replicate import replicate_process
from staging_core.testing.s3 import S3Process
from staging_core.testing.servers.databases import Databases
from staging_core.testing.servers.redis import redis_server

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/deploy.md"
PHOTO = Path(__file__).resolve().parents[2] / "src/staging_core/cli/demo/empty_room.jpg"
STAGING = (sys.executable, "-m", "staging_core")
WITHIN_S = 60.0


def file_of_page(name: str) -> str:
    """What the page says shall stand in a file."""
    found = re.search(
        rf"<!-- file: {re.escape(name)} -->\n```\w+\n(.*?)```", PAGE.read_text(), re.DOTALL
    )
    assert found is not None
    return found[1]


def variables_of_page() -> set[str]:
    """Those of its file ``staging.env``."""
    return {line.partition("=")[0] for line in file_of_page("staging.env").splitlines()}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def started(
    command: Sequence[str], environment: dict[str, str], folder: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that writes to a log in ``folder``; killed with its children at the end."""
    with (folder / "processes.log").open("ab") as log:
        process = subprocess.Popen(
            command, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def ran(*words: str, environment: dict[str, str], folder: Path) -> dict[str, object]:
    """What a ``staging`` command answers under ``--json``."""
    done = subprocess.run(
        [*STAGING, *words, "--json"],
        env=environment,
        cwd=folder,
        capture_output=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def answers(port: int) -> bool:
    """Whether the callback application refuses what is not Replicate's, as it should."""
    request = Request(f"http://127.0.0.1:{port}/api/v1/replicate/webhook", b"{}", method="POST")
    try:
        urlopen(request, timeout=5)  # noqa: S310 - our own
    except HTTPError as told:
        return told.code == 401
    except OSError:
        return False
    return False


def wait_until_it_answers(port: int) -> None:
    until = time.monotonic() + WITHIN_S
    while not answers(port):
        assert time.monotonic() < until, "the callback application does not answer"
        time.sleep(0.05)


async def staged(environment: dict[str, str]) -> Group:
    """One photo, submitted from a process that works on nothing, when it has ended."""
    with pytest.MonkeyPatch.context() as patch:
        for name in variables_of_page() | {"REPLICATE_BASE_URL"}:
            patch.setenv(name, environment[name])
        async with Staging.from_env(worker=False) as staging, asyncio.timeout(WITHIN_S):
            me = staging.acting_as(OWNER)
            group = await me.images.submit(PHOTO, room="living_room", style="modern", seed=7)
            group = await me.wait(group)
            assert len(await me.images.read(group.images[0].id)) > 10_000
            return group


def test_one_photo_goes_through_two_workers_and_the_callback_application(
    postgresql: Databases, tmp_path: Path
) -> None:
    (tmp_path / "callbacks.py").write_text(file_of_page("callbacks.py"))
    port = free_port()
    with ExitStack() as parts:
        database = parts.enter_context(postgresql.fresh(empty=True))
        redis = parts.enter_context(redis_server())
        bucket = parts.enter_context(S3Process())
        replicate = parts.enter_context(replicate_process())
        values = {
            "STAGING_HOME": str(tmp_path / "home"),
            "STAGING_SECRET_KEY": "sixteen characters at least",
            "STAGING_DATABASE": database["database"],
            "STAGING_STORAGE": bucket.url("acme-photos", "staging"),
            "STAGING_QUEUE": redis.url,
            "STAGING_AUTH": "keys:",
            "STAGING_STAGER": "replicate:qwen/qwen-image-edit",
            "STAGING_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "REPLICATE_API_TOKEN": replicate.token,
            "REPLICATE_WEBHOOK_SECRET": replicate.secret,
            **{
                name: bucket.secrets[name]
                for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
            },
        }
        assert set(values) == variables_of_page()
        outside = {name: text for name, text in os.environ.items() if "STAGING_" not in name}
        environment = {**outside, **values, "REPLICATE_BASE_URL": replicate.url}
        owner = {"STAGING_DATABASE_ADMIN": database["database_admin"]}
        ran("db", "upgrade", environment={**environment, **owner}, folder=tmp_path)

        web = [sys.executable, "callbacks.py", str(port)]
        running = [
            parts.enter_context(started(command, environment, tmp_path))
            for command in (web, [*STAGING, "worker"], [*STAGING, "worker"])
        ]
        assert ran("doctor", environment=environment, folder=tmp_path)["ok"]
        wait_until_it_answers(port)
        (image,) = asyncio.run(staged(environment)).images
        assert (image.job.state, image.job.attempts) == ("ready", 1), image.job.message
        (prediction,) = replicate.predictions()
        assert prediction["status"] == "succeeded"

        for process in running:
            process.terminate()
        # uvicorn ends in good order, then by the signal that it was sent.
        assert [process.wait(25) for process in running] == [-signal.SIGTERM, 0, 0]
