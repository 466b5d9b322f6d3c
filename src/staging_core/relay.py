"""News between processes: what a commit wrote goes out with the queue's signal, and signed.

Whoever can reach the queue's server may write there what it likes, so content counts only with a
signature that the installation's key makes; and only for those who find that it goes on where they
are (see ``live``). Everything else is a hint to read the rows, as is a signal without content.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Callable, Sequence
from contextvars import Context

import msgspec

from .database.events import News
from .interfaces import Carries, Signals, supports

log = logging.getLogger("staging_core")

_PURPOSE = b"staging-core news 1"
_MOST = 64 * 1024
_SIGNATURE = 2 * hashlib.sha256().digest_size
_NEWS = msgspec.json.Decoder(tuple[News, ...])

Take = Callable[[Sequence[News]], None]


class Relay:
    """Passes news on by ``signals``. ``key``: asked for the installation's, where they carry.

    Close it.
    """

    def __init__(self, signals: Signals, key: Callable[[], str]) -> None:
        self._signals = signals
        self._carries = supports(signals, Carries)
        self._mac = hmac.new(_key(key()) if self._carries else b"none", digestmod="sha256")
        self._doubted = False
        self._listening: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Hear no more."""
        listening = tuple(self._listening)
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)

    async def tell(self, topic: str, news: Sequence[News]) -> None:
        """Signal ``topic``, with ``news`` where they can be carried and are not too much."""
        if self._carries is not None and news:
            content = msgspec.json.encode(news)
            if len(content) + _SIGNATURE <= _MOST:
                await self._carries.carry(topic, self._signature(topic, content) + content)
                return
        await self._signals.signal(topic)

    def hear(self, topic: str, take: Take) -> Callable[[], None]:
        """Call ``take`` with the news of each signal, until what this gives is called.

        With none where one has to look.
        """
        if self._carries is not None:
            return self._carries.carried(topic, lambda content: take(self._read(topic, content)))
        # It outlives whoever asked first, and is no part of that one's trace.
        listening = asyncio.create_task(self._listen(topic, take), context=Context())
        self._listening.add(listening)
        listening.add_done_callback(self._listening.discard)

        def stop() -> None:
            listening.cancel()

        return stop

    async def _listen(self, topic: str, take: Take) -> None:
        try:
            async for _ in self._signals.listen(topic):
                take(())
        except Exception:
            # Only hints; a backend's listener that breaks costs speed, not events.
            log.warning("no signals are heard any more", exc_info=True)

    def _read(self, topic: str, carried: bytes) -> Sequence[News]:
        if not carried:
            return ()
        signature, content = carried[:_SIGNATURE], carried[_SIGNATURE:]
        if not hmac.compare_digest(signature, self._signature(topic, content)):
            self._doubt()
            return ()
        try:
            return _NEWS.decode(content)
        except msgspec.MsgspecError:  # another version wrote it
            return ()

    def _signature(self, topic: str, content: bytes) -> bytes:
        mac = self._mac.copy()
        mac.update(topic.encode() + b"\n" + content)
        return mac.hexdigest().encode()

    def _doubt(self) -> None:
        if not self._doubted:
            self._doubted = True
            log.warning(
                "news that another process passes on are signed with another key, so that rows are "
                "read in their place; set `secret_key` to the same value in all processes"
            )


def _key(secret_key: str) -> bytes:
    return hmac.digest(secret_key.encode(), _PURPOSE, "sha256")
