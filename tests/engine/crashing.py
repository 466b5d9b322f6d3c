"""Ports that can be cut at any call: the engine crashes, or freezes, exactly there.

Every effect of the engine is a call on one of its ports. Here each call passes a point before and
one after it (a write transaction also one right before its commit). ``Cut`` counts points and, at
the one it is set to, either raises ``Crash``, after which no call gets through any more, or awaits
``freeze`` and goes on, as a process does that was stopped and continued.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import staging_core
from staging_core.ports import Ports

ENGINE = {
    str(Path(staging_core.__file__).parent / name)
    for name in (
        "pipeline.py",
        "held.py",
        "lease.py",
        "worker.py",
        "model_input.py",
        "answered.py",
        "awaited.py",
        "deferred.py",
        "delivery.py",
        "predictions.py",
        "reception.py",
        "fallback.py",
        "recovery.py",
        "tally.py",
        "upkeep.py",
        "observation.py",
        "deletion.py",
        "settlement.py",
        "spending.py",
        "submission.py",
        "reservation.py",
        "reserving.py",
        "settled_elsewhere.py",
        "runtime_settings.py",
        "account_closing.py",
        "source.py",
        "uploading.py",
        "kept_photo.py",
        "photo.py",
    )
}


class Crash(BaseException):
    """The process is gone."""


class Cut:
    """Counts the points that are passed; ``sites`` are the engine's lines that passed one."""

    def __init__(
        self, at: int | None = None, *, freeze: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self.at = at
        self.freeze = freeze
        self.passed = 0
        self.dead = False
        self.sites: set[tuple[str, int]] = set()

    async def point(self, *, committing: bool = False) -> None:
        if self.dead:
            raise Crash
        self.passed += 1
        if self.passed != self.at:
            return
        if self.freeze is not None:
            if not committing:  # an open write transaction keeps every rival out
                await self.freeze()
            return
        self.dead = True
        raise Crash

    def note_site(self) -> None:
        frame = sys._getframe(2)
        while frame is not None:
            if frame.f_code.co_filename in ENGINE:
                self.sites.add((Path(frame.f_code.co_filename).name, frame.f_lineno))
                return
            frame = frame.f_back  # type: ignore[assignment]

    def into(self, ports: Ports) -> Ports:
        """The same ports with this cut in every one of them."""
        cut: dict[str, Any] = {
            "database": _Database(ports.database, self),
            "storage": _Port(ports.storage, self),
            "queue": _Port(ports.queue, self),
            "billing": _Port(ports.billing, self),
            "hooks": _Port(ports.hooks, self),
            "decoder": _Port(ports.decoder, self),
            "downloads": _Port(ports.downloads, self),
            "stagers": {name: _Port(stager, self) for name, stager in ports.stagers.items()},
        }
        return replace(ports, **cut)


class _Port:
    def __init__(self, behind: Any, cut: Cut) -> None:
        self._behind = behind
        self._cut = cut

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._behind, name)
        if inspect.iscoroutinefunction(found):
            return self._awaited(found)
        if name in ("read", "photo"):
            return self._opened(found)
        if name == "entries":
            return self._iterated(found)
        return found

    def _awaited(self, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            self._cut.note_site()
            await self._cut.point()
            result = await method(*args, **kwargs)
            await self._cut.point()
            return result

        return call

    def _opened(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @asynccontextmanager
        async def opened(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            self._cut.note_site()
            await self._cut.point()
            async with method(*args, **kwargs) as inside:
                yield inside

        return opened

    def _iterated(self, method: Callable[..., Any]) -> Callable[..., Any]:
        async def iterated(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            self._cut.note_site()
            await self._cut.point()
            async for item in method(*args, **kwargs):
                yield item

        return iterated


class _Database(_Port):
    def __getattr__(self, name: str) -> Any:
        return self._transaction(name) if name in ("read", "write") else super().__getattr__(name)

    def _transaction(self, name: str) -> Callable[[], Any]:
        @asynccontextmanager
        async def transaction(*args: Any) -> AsyncIterator[Any]:
            self._cut.note_site()
            await self._cut.point()
            async with getattr(self._behind, name)(*args) as tx:
                yield tx
                if name == "write":
                    await self._cut.point(committing=True)
            await self._cut.point()

        return transaction
