"""Queues whose signals bring something along, and that break one sentence of that each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from .queue import Served, ServedQueueSuite
from .row import Broken, broken


class Carrying(Served):
    """The sound one, and its signals bring something along."""

    def __init__(self) -> None:
        super().__init__()
        self.takers: dict[str, list[Callable[[bytes], None]]] = defaultdict(list)

    async def signal(self, topic: str) -> None:
        await self._send(topic, b"")

    async def carry(self, topic: str, content: bytes) -> None:
        """See ``Carries.carry``."""
        await self._send(topic, content)

    async def _send(self, topic: str, content: bytes) -> None:
        await super().signal(topic)
        for take in tuple(self.takers[topic]):
            take(content)

    def carried(self, topic: str, take: Callable[[bytes], None]) -> Callable[[], None]:
        """See ``Carries.carried``."""
        self.takers[topic].append(take)
        return lambda: self.takers[topic].remove(take)

    def restart(self) -> None:
        """The server comes back, and something may have been missed."""
        super().restart()
        for takers in self.takers.values():
            for take in tuple(takers):
                take(b"")


class CutsWhatIsLong(Carrying):
    """Has a buffer of its own size."""

    async def carry(self, topic: str, content: bytes) -> None:
        await super().carry(topic, content[:8_000])


class CarriesPastTheListeners(Carrying):
    """Has another channel for what is carried."""

    async def carry(self, topic: str, content: bytes) -> None:
        for take in tuple(self.takers[topic]):
            take(content)


class CarriesEverywhere(Carrying):
    """Does not look at the topic."""

    async def carry(self, topic: str, content: bytes) -> None:
        for known in {topic, *self.takers}:
            await super().carry(known, content)


class BringsWithoutAnEnd(Carrying):
    """Does not let go."""

    def carried(self, topic: str, take: Callable[[bytes], None]) -> Callable[[], None]:
        super().carried(topic, take)
        return lambda: None


class LeavesPlainSignalsOut(Carrying):
    """Only tells of what brings something."""

    async def signal(self, topic: str) -> None:
        await Served.signal(self, topic)


class SaysNothingOfTheMissed(Carrying):
    """Connects again, and that is that."""

    def restart(self) -> None:
        self.flush()


def _carrying(backend: type[Carrying], *fails: str) -> Broken:
    return broken(ServedQueueSuite, backend, *fails)


BROKEN_CARRYING = (
    _carrying(CutsWhatIsLong, "test_what_is_carried_comes_as_it_was"),
    _carrying(CarriesPastTheListeners, "test_who_listens_hears_what_is_carried_too"),
    _carrying(CarriesEverywhere, "test_only_what_its_topic_brings_is_taken"),
    _carrying(BringsWithoutAnEnd, "test_nothing_is_taken_after_the_end"),
    _carrying(LeavesPlainSignalsOut, "test_a_plain_signal_brings_nothing"),
    _carrying(SaysNothingOfTheMissed, "test_after_a_restart_one_is_told_to_look"),
)
