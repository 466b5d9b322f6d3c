"""The event loop of the processes that are ours: commands, workers, the service."""

from __future__ import annotations

import asyncio


def new_event_loop() -> asyncio.AbstractEventLoop:
    """uvloop's where the extra ``accelerate`` brought it, else the standard one.

    A worker spends most of its time on small messages; uvloop takes some 10 % less of the
    processor for them. A host's loop is the host's choice: only our own processes ask here.
    """
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
