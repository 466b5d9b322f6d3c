"""One connection: who makes it has a while to say what they ask, and no more.

uvicorn waits for the head of a request as long as nobody hangs up, so whoever opened enough of them
would keep all others out. How slowly a body may come is the API's to say.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEAD_S = 20.0
"""From when a connection is there, or the first of a further request came, to the whole head."""


class Connection(H11Protocol):
    """uvicorn's over h11, which bounds what it keeps of a head.

    The other one, which it would take by itself where httptools is installed, keeps whatever comes.
    """

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Somebody is there."""
        super().connection_made(transport)
        self.flow = Flow(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Something came, of a head or of what follows it."""
        super().data_received(data)
        if not self._is_asked:
            self._wait()
        elif self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def connection_lost(self, exc: Exception | None) -> None:
        """They are gone."""
        if self._waiting is not None:
            self._waiting.cancel()
        super().connection_lost(exc)

    @property
    def _is_asked(self) -> bool:
        """Whether a request is under way."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _wait(self) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(HEAD_S, self._give_up)

    def _give_up(self) -> None:
        self._waiting = None
        if not self._is_asked:
            self.transport.close()


class Flow(FlowControl):
    """uvicorn's, which waits with an event; this one has it only while there is to wait.

    An event holds 600 bytes of each connection, and of ten thousand streams nearly none ever waits.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.read_paused = False
        self.write_paused = False

    async def drain(self) -> None:
        """Until more may be written."""
        if self.write_paused:
            await super().drain()

    def pause_writing(self) -> None:
        """No more may be written for now."""
        if not self.write_paused:
            self._is_writable_event = asyncio.Event()
        super().pause_writing()
