"""News are believed when the installation's key signed them for this very account; else not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from staging_core import JobEvent
from staging_core.database.events import News
from staging_core.relay import Relay

KEY = "the key of all its processes"


class Wire:
    """A queue's signals; ``sent``: what went over it."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.taker: Callable[[bytes], None] | None = None

    async def signal(self, topic: str) -> None:
        self.sent.append((topic, b""))

    async def listen(self, topic: str) -> AsyncIterator[None]:
        raise AssertionError("it carries")
        yield

    async def carry(self, topic: str, content: bytes) -> None:
        self.sent.append((topic, content))

    def carried(self, topic: str, take: Callable[[bytes], None]) -> Callable[[], None]:
        self.taker = take
        return lambda: None


class Heard:
    """Another process, which hears of one topic. ``told``: what it was told, () to look."""

    def __init__(self, topic: str, key: str = KEY) -> None:
        self.told: list[Sequence[News]] = []
        wire = Wire()
        Relay(wire, lambda: key).hear(topic, self.told.append)
        assert wire.taker is not None
        self.take = wire.taker


def event(position: int, **data: object) -> News:
    told = JobEvent(
        position=position,
        account_id="anna",
        job_id="job",
        image_id="image",
        group_id="group",
        seq=position,
        type="progress",
        state="staging",
        at=1.5,
        data=data,
    )
    return News(told, "listing", "00-trace-span-01")


def carried(*news: News, topic: str = "topic", key: str = KEY) -> bytes:
    """What goes over the wire for them; empty for a plain signal."""
    wire = Wire()
    asyncio.run(Relay(wire, lambda: key).tell(topic, news))
    ((to, content),) = wire.sent
    assert to == topic
    return content


def test_news_come_as_they_were_told() -> None:
    news, heard = [event(1, progress=0.25), event(2, message='"ü"\n')], Heard("topic")
    heard.take(carried(*news))
    assert [list(each) for each in heard.told] == [news]


@pytest.mark.parametrize("news", [[], [event(1, message="x" * 65_536)]], ids=["none", "too much"])
def test_where_there_is_nothing_to_carry_or_too_much_it_is_a_plain_signal(news: list[News]) -> None:
    assert carried(*news) == b""


def test_what_the_key_did_not_sign_for_the_topic_is_a_hint_to_look() -> None:
    heard, sound = Heard("topic"), carried(event(1, progress=0.25))
    for content in (
        b"",
        b"x",
        sound[:64],
        sound[64:],
        sound[:-1],
        sound + b" ",
        sound.replace(b"0.25", b"0.75"),
        sound[:64] + b"[]",
        carried(event(1), topic="other"),
        carried(event(1), key="the key of somebody else"),
    ):
        heard.take(content)
    assert heard.told == [()] * 10
    heard.take(sound)
    assert heard.told[-1] == (event(1, progress=0.25),)


def test_processes_that_disagree_about_the_key_say_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard = Heard("topic", key="the key of somebody else")
    for _ in range(3):
        heard.take(carried(event(1)))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "secret_key" in caplog.text
    assert KEY not in caplog.text


def test_what_another_version_signed_otherwise_is_a_hint_to_look() -> None:
    relay, heard = Relay(Wire(), lambda: KEY), Heard("topic")
    for content in (b"[[1]]", b"not JSON", b'[{"event":{}}]', b"\xff"):
        heard.take(relay._signature("topic", content) + content)
    assert heard.told == [()] * 4


class OnlySignals:
    """A queue that has no more than ``Signals``."""

    def __init__(self) -> None:
        self.signalled = asyncio.Event()

    async def signal(self, topic: str) -> None:
        self.signalled.set()

    async def listen(self, topic: str) -> AsyncIterator[None]:
        while True:
            await self.signalled.wait()
            self.signalled.clear()
            yield


def test_a_queue_that_only_signals_is_asked_for_no_key_and_tells_to_look() -> None:
    async def scenario() -> None:
        def key() -> str:
            raise AssertionError("nothing is signed")

        relay, told, came = Relay(OnlySignals(), key), [], asyncio.Event()

        def take(news: Sequence[News]) -> None:
            told.append(news)
            came.set()

        relay.hear("topic", take)
        await relay.tell("topic", [event(1)])
        await asyncio.wait_for(came.wait(), 10)
        assert told == [()]
        await relay.close()
        assert not relay._listening

    asyncio.run(scenario())
