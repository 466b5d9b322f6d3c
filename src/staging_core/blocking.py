"""The one door from code that does not await: a Django view, a script, a notebook."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from .staging import Staging

if TYPE_CHECKING:
    import typing_extensions

    S = typing_extensions.TypeVar("S", default=Staging)
else:
    S = TypeVar("S")
P = ParamSpec("P")
R = TypeVar("R")


class Door(Generic[S]):
    """An open ``Staging``, or a connection to one, on an event loop in a thread of its own.

    Call any of its coroutine functions through the door: ``door(me.images.get, image_id)``.
    Made per process: never open one before a fork. ``opened``: what was opened; ``staging``: the
    same.
    """

    def __init__(self, opened: S, call: Callable[..., Any]) -> None:
        self.opened = self.staging = opened
        self._call = call

    def __call__(self, function: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the coroutine function to its end; its result, or its error."""
        result: R = self._call(_bound(function, args, kwargs))
        return result

    def iterate(self, stream: AsyncIterator[R]) -> Iterator[R]:
        """The stream's items, one by one, as they come."""

        async def step() -> tuple[bool, R | None]:
            try:
                return True, await anext(stream)
            except StopAsyncIteration:
                return False, None

        while True:
            more, item = self._call(step)
            if not more:
                return
            yield item


def _bound(
    function: Callable[..., Awaitable[R]], args: Any, kwargs: Any
) -> Callable[[], Awaitable[R]]:
    async def run() -> R:
        return await function(*args, **kwargs)

    return run


@contextmanager
def open_door(staging: AbstractAsyncContextManager[S]) -> Iterator[Door[S]]:
    """Open ``staging`` (a ``Staging``, or what ``Staging.connect`` gives) and give the door to it.

    It is closed when the block ends.
    """
    from anyio.from_thread import start_blocking_portal

    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(staging) as opened,
    ):
        yield Door(opened, portal.call)
