"""Event streams end when the process is told to stop, not when its server has stopped.

A server ends its applications' lifespans after the last response, and a stream goes on for an hour.
So while a lifespan lasts, the signal itself ends the streams, and then does what it did before.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from staging_core import Staging

from .event_stream import EventStreams

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_STREAMS: WeakKeyDictionary[Staging, WeakSet[EventStreams]] = WeakKeyDictionary()


def streams_of(staging: Staging) -> WeakSet[EventStreams]:
    """Those of all applications over that installation."""
    return _STREAMS.setdefault(staging, WeakSet())


@contextmanager
def ending_streams(staging: Staging) -> Iterator[None]:
    """While it lasts, all event streams of ``staging`` end at SIGTERM and SIGINT; else at its end.

    Other threads than the main one get no signals: there they end at the end alone.
    """
    streams = streams_of(staging)

    def end() -> None:
        for each in tuple(streams):
            each.end()

    for each in streams:
        each.ending = False  # a host may be started again
    with ExitStack() as stack:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                stack.enter_context(_first(number, end))
        stack.callback(end)
        yield


@contextmanager
def _first(number: signal.Signals, act: Callable[[], None]) -> Iterator[None]:
    """Do that first when the signal comes.

    Where it is ignored, or ends the process at once, nothing is done.
    """
    before = signal.getsignal(number)
    if not callable(before):
        yield
        return

    def handle(*told: Any) -> None:
        act()
        before(*told)

    signal.signal(number, handle)
    try:
        yield
    finally:
        if signal.getsignal(number) is handle:  # else somebody chained theirs to it
            signal.signal(number, before)
