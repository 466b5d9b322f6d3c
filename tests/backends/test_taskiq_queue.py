"""What the queue in Redis promises beyond the contract."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing

import pytest
from redis.exceptions import RedisError
from taskiq import TaskiqMessage

from staging_core import Settings
from staging_core.backends.taskiq_queue.address import RedisAddress
from staging_core.backends.taskiq_queue.broker import WakeBroker
from staging_core.backends.taskiq_queue.lanes import message
from staging_core.backends.taskiq_queue.queue import TaskiqQueue
from staging_core.errors import SettingError
from staging_core.hooks import Hooks
from staging_core.models import Wake
from staging_core.plugins import load_plugins
from staging_core.registry import Registry
from staging_core.testing.servers.redis import RedisServer, redis_server
from staging_core.urls import BackendURL

DEFAULT = frozenset({"default"})
PASSWORD = "opensesame"  # noqa: S105 - of a server that lives for a second


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as started:
        yield started


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[TaskiqQueue]:
    """The queue that the registry opens for ``url``."""
    registry = Registry(Hooks(load_plugins(())), Settings.from_keywords())
    async with AsyncExitStack() as stack:
        yield await registry.open("queue", url, stack=stack, role="worker")


async def heard(queue: TaskiqQueue, *, jobs: int) -> list[str]:
    """The jobs that are handed out, until there are so many."""
    told: list[str] = []
    enough = asyncio.Event()

    async def handle(wake: Wake) -> None:
        told.append(wake.job_id)
        if len(told) >= jobs:
            enough.set()

    task = asyncio.create_task(queue.consume(handle, lanes=DEFAULT, concurrency=1))
    async with asyncio.timeout(20):
        await enough.wait()
    task.cancel()
    await asyncio.wait([task])
    return told


def test_a_wake_is_one_task_of_a_stable_name_in_json(server: RedisServer) -> None:
    async def run() -> None:
        async with opened(f"{server.url}?prefix=json") as queue:
            await queue.poke(Wake(job_id="job-1"))

    asyncio.run(run())
    told = server.ask("XRANGE", "json:wakes:default", "-", "+")
    task = json.loads(told[told.index(b"{") : told.rindex(b"}") + 1])
    assert task["task_name"] == "staging.wake"
    assert task["kwargs"] == {"job_id": "job-1", "lane": "default", "not_before": 0.0}


def test_a_wake_is_written_as_taskiq_writes_it() -> None:
    wake = Wake(job_id="job-1", lane="später", not_before=1.5)
    fields = json.loads(message(wake, "t:wakes:später"))
    address = RedisAddress(BackendURL.parse("redis://127.0.0.1:6379"))
    written = WakeBroker(address, ()).formatter.dumps(TaskiqMessage(**fields))
    assert message(wake, "t:wakes:später") == written.message


def test_who_only_pokes_does_not_import_taskiq(server: RedisServer) -> None:
    """It would hold 20 MB in every API process."""
    code = f"""
import asyncio, sys
from pathlib import Path
from staging_core.backends.taskiq_queue import open_taskiq_queue
from staging_core.models import Wake
from staging_core.testing import FakeContext
from staging_core.urls import BackendURL

async def run(role):
    url = BackendURL.parse("{server.url}?prefix=" + role)
    async with open_taskiq_queue(url, FakeContext(Path("."), role=role)) as queue:
        await queue.poke(Wake(job_id="job-1"))
        await queue.take("key", limit=1, window_s=1.0)
        await queue.signal("topic")
        print(role, "taskiq" in sys.modules)

asyncio.run(run("api"))
asyncio.run(run("worker"))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["api", "False", "worker", "True"]


def test_what_was_poked_before_anybody_consumed_is_handed_out_and_does_not_stay(
    server: RedisServer,
) -> None:
    async def run() -> list[str]:
        async with opened(f"{server.url}?prefix=early") as queue:
            for number in range(5):
                await queue.poke(Wake(job_id=str(number)))
            return await heard(queue, jobs=5)

    assert asyncio.run(run()) == ["0", "1", "2", "3", "4"]
    assert server.ask("XLEN", "early:wakes:default") == b":0\r\n"
    assert server.ask("XINFO", "CONSUMERS", "early:wakes:default", "staging") == b"*0\r\n"


def test_rubbish_in_a_stream_is_dropped(server: RedisServer) -> None:
    async def run() -> list[str]:
        async with opened(f"{server.url}?prefix=rubbish") as queue:
            for field, value in (("data", "{"), ("data", '{"task_name": 1}'), ("other", "x")):
                server.ask("XADD", "rubbish:wakes:default", "*", field, value)
            await queue.poke(Wake(job_id="good"))
            return await heard(queue, jobs=1)

    assert asyncio.run(run()) == ["good"]
    assert server.ask("XLEN", "rubbish:wakes:default") == b":0\r\n"


def test_the_same_wake_for_later_waits_only_once(server: RedisServer) -> None:
    async def run() -> list[str]:
        due = time.time() + 0.3
        async with opened(f"{server.url}?prefix=later") as queue:
            for _ in range(3):
                await queue.poke(Wake(job_id="later", not_before=due))
            await queue.poke(Wake(job_id="last", not_before=due + 0.2))
            return await heard(queue, jobs=2)

    assert asyncio.run(run()) == ["later", "last"]


def test_installations_with_prefixes_of_their_own_share_a_redis(server: RedisServer) -> None:
    async def run() -> tuple[list[str], list[str]]:
        async with (
            opened(f"{server.url}?prefix=one") as one,
            opened(f"{server.url}?prefix=two") as two,
        ):
            await one.poke(Wake(job_id="of one"))
            await two.poke(Wake(job_id="of two"))
            return await heard(one, jobs=1), await heard(two, jobs=1)

    assert asyncio.run(run()) == (["of one"], ["of two"])


def test_processes_share_their_rate_limits(server: RedisServer) -> None:
    async def run() -> list[bool]:
        async with opened(server.url) as one, opened(server.url) as two:
            taken = [await each.take("key", limit=3, window_s=60) for each in (one, two, one, two)]
            return [each.allowed for each in taken]

    assert asyncio.run(run()) == [True, True, True, False]


def test_all_listeners_of_a_process_share_one_connection(server: RedisServer) -> None:
    async def run() -> bytes:
        async with opened(server.url) as queue:
            listeners = [queue.listen(f"topic-{number}") for number in range(50)]
            waiting = [asyncio.ensure_future(anext(listener)) for listener in listeners]
            while not all(task.done() for task in waiting):
                for number in range(50):
                    await queue.signal(f"topic-{number}")
            return server.ask("CLIENT", "LIST", "TYPE", "PUBSUB")

    assert asyncio.run(run()).count(b"cmd=subscribe") == 1


def test_listeners_hear_again_after_redis_was_restarted() -> None:
    async def run(server: RedisServer) -> None:
        async with opened(server.url) as queue:
            listener = queue.listen("topic")
            await signalled(queue, listener)
            server.restart()
            await signalled(queue, listener)
            await signalled(queue, listener)

    async def signalled(queue: TaskiqQueue, listener: AsyncIterator[None]) -> None:
        waiting = asyncio.ensure_future(anext(listener))
        async with asyncio.timeout(20):
            while not waiting.done():
                await queue.signal("topic")
                await asyncio.wait([waiting], timeout=0.1)

    with redis_server() as server:
        asyncio.run(run(server))


# --- a Redis that is away, or the wrong one -------------------------------------------------------


def test_a_redis_that_is_away_is_opened_and_a_poke_fails_soon() -> None:
    async def run(url: str) -> float:
        async with opened(url) as queue:
            began = time.monotonic()
            with pytest.raises((RedisError, TimeoutError)):
                await queue.poke(Wake(job_id="lost"))
            return time.monotonic() - began

    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        port = silent.getsockname()[1]
        assert asyncio.run(run(f"redis://:{PASSWORD}@127.0.0.1:{port}/0")) < 4
    assert asyncio.run(run(f"redis://:{PASSWORD}@127.0.0.1:{port}/0")) < 1


def test_consuming_begins_when_redis_comes() -> None:
    async def run(server: RedisServer) -> list[str]:
        async with opened(server.url) as queue:
            hearing = asyncio.create_task(heard(queue, jobs=1))
            await asyncio.sleep(0.3)
            server.start()
            await queue.poke(Wake(job_id="job"))
            return await hearing

    with redis_server() as server:
        server.stop()
        assert asyncio.run(run(server)) == ["job"]


def test_who_is_cancelled_while_sending_ends_at_once(server: RedisServer) -> None:
    async def signal_forever(queue: TaskiqQueue) -> None:
        while True:
            await queue.signal("a")

    async def run() -> None:
        async with opened(server.url) as queue:
            for turns in range(100):  # each is cancelled somewhere else in its sending
                task = asyncio.create_task(signal_forever(queue))
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                done, _ = await asyncio.wait([task], timeout=5)
                assert done, f"it lost the cancellation after {turns} turns of the loop"

    asyncio.run(run())


def test_a_wrong_password_is_told_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    async def run(url: str) -> None:
        async with opened(url) as queue:
            await queue.poke(Wake(job_id="never"))

    with redis_server(password="another") as server:  # noqa: S106
        url = f"redis://:{PASSWORD}@127.0.0.1:{server.port}/0"
        with pytest.raises(SettingError, match="turns us away") as told:
            asyncio.run(run(url))
    assert PASSWORD not in f"{told.value} {told.value!r} {told.value.__cause__!r} {caplog.text}"
    assert "***" in str(told.value)


def test_a_cluster_is_refused() -> None:
    async def run(url: str) -> None:
        async with opened(url):
            pass

    with (
        redis_server(options=("--cluster-enabled", "yes")) as server,
        pytest.raises(SettingError, match="is a cluster"),
    ):
        asyncio.run(run(server.url))
