"""The line to one account of Stripe: the vendor's client, bounded in time, in our errors."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
import stripe

from staging_core.errors import PaymentsUnavailable

from .refusal import refusal_of

log = logging.getLogger("staging_core")

T = TypeVar("T")
# The package types what a call takes as a whole; here it is put together piece by piece.
Params = Any

VERSION = "2026-10-28.endive"
TRY_S, CALL_S, RETRIES = 10.0, 30.0, 2
PAGE = 100


class Line:
    """``v1``: Stripe's own client. A lost answer is asked for again under the call's key."""

    def __init__(self, key: str, *, api: str) -> None:
        self._http = stripe.HTTPXClient(timeout=TRY_S)
        client = stripe.StripeClient(
            key,
            http_client=self._http,
            base_addresses={"api": api},
            stripe_version=VERSION,
            max_network_retries=RETRIES,
        )
        self.v1 = client.v1

    async def aclose(self) -> None:
        """Hang up."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def ask(self, call: Awaitable[Any], shape: type[T]) -> T:
        """The answer of a call; errors as ``staging_core.interfaces.payments`` has them."""
        with _told():
            async with asyncio.timeout(CALL_S):
                answer = await call
            return msgspec.convert(answer.to_dict(), shape)

    async def each(
        self,
        call: Callable[[Any], Awaitable[Any]],
        params: Params,
        shape: type[T],
        *,
        whatever: bool = False,
    ) -> AsyncGenerator[T, None]:
        """Everything of a list, page by page, in Stripe's order: mostly the newest first.

        ``whatever``: what is not understood is left out, and holds up nothing else.
        """
        after: dict[str, str] = {}
        more = True
        while more:
            page = await self.ask(call({**params, **after, "limit": PAGE}), _Page)
            for one in page.data:
                try:
                    with _told():
                        read = msgspec.convert(one, shape)
                except PaymentsUnavailable:
                    if not whatever:
                        raise
                    log.warning("%s of Stripe is not understood, and left out", one.get("id"))
                else:
                    yield read
            more = page.has_more and bool(page.data)
            if more:
                after = {"starting_after": page.data[-1]["id"]}


class _Page(msgspec.Struct, frozen=True):
    data: list[dict[str, Any]]
    has_more: bool = False


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except stripe.StripeError as error:
        raise refusal_of(error) from error
    except TimeoutError as error:
        raise PaymentsUnavailable("Stripe has not answered in time.") from error
    except msgspec.ValidationError as error:
        raise PaymentsUnavailable("Stripe's answer is not understood.") from error


def under(key: str) -> Any:
    """The option of a call that has its effect once under ``key``."""
    return {"idempotency_key": key}
