"""The acting principal's account as a whole, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing

import httpx
import msgspec

from .asked import Asked, in_query
from .told import seconds
from .wire import Wire


class ClosingTold(msgspec.Struct, frozen=True):
    """Since when the account is being deleted."""

    closing_at: str


class RemoteAccount:
    """As ``acting.Account``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def export(self) -> AsyncIterator[bytes]:
        """See ``Account.export``; ``ServerUnreachable`` where it breaks off. Read it, or close it:
        the connection is its own until then.
        """
        stack = AsyncExitStack()
        asked = Asked(method="POST", path="/account/export")
        response = await stack.enter_async_context(self._wire.opened(asked))
        return self._chunks(stack, response)

    async def _chunks(
        self, stack: AsyncExitStack, response: httpx.Response
    ) -> AsyncGenerator[bytes]:
        async with stack, aclosing(self._wire.chunks_of(response)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def delete(self, *, confirm: str) -> float:
        """See ``Account.delete``. It is sent once: afterwards the token opens nothing any more."""
        asked = Asked(
            method="DELETE", path="/account", query=in_query(confirm=confirm), repeats=False
        )
        return seconds((await self._wire.call(ClosingTold, asked)).closing_at)
