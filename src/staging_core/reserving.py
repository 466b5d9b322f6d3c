"""What an order takes at a credit service outside: reserved before it is accepted, kept with it.

The service is asked between two transactions: the first notes what it is going to be asked for, so
that nothing it may hold is ever forgotten; the second accepts the order and keeps what is reserved.
Whatever happens between them, what no order has kept is released by a sweep.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from .database import accounts, reservations
from .database.engine import Transaction
from .errors import BillingUnavailable, DatabaseFailed, StagingError, UsageLimitExceeded
from .interfaces import ReservesElsewhere, supports
from .models import Quote, Reservation
from .ports import Ports

log = logging.getLogger("staging_core")

_ASKING_S = 20.0
"""So long the service may take for a whole order."""

_GOOD_S = 300.0
"""An order that is not accepted by then is not to be: what it reserved is released."""


class Reserved:
    """An order at its quote, and what is reserved for each image; None where nothing is outside."""

    def __init__(self, quote: Quote, ids: tuple[str, ...], images: int) -> None:
        self.quote = quote
        self.by_image: tuple[str | None, ...] = ids or (None,) * images
        self._ids = ids
        self.is_kept = not ids

    async def keep(self, tx: Transaction) -> None:
        """Keep it with the order that ``tx`` accepts; ``BillingUnavailable`` when it came too late.

        Hold the account's row first.
        """
        if not self._ids:
            return
        if not await reservations.keep(tx, self._ids):
            raise BillingUnavailable("It took too long until the order could be accepted.")
        self.is_kept = True


@asynccontextmanager
async def reserving(
    ports: Ports, account_id: str, quote: Quote, model: str, images: int, *, paid: bool = False
) -> AsyncIterator[Reserved]:
    """Around accepting an order: reserve what it takes, and give up what the block does not keep.

    ``paid``: the service has taken its credits before, for a picture that was lost.
    ``UsageLimitExceeded`` as the service refuses it, ``BillingUnavailable`` when it is away.
    """
    service = supports(ports.billing, ReservesElsewhere)
    if service is None or paid:
        yield Reserved(quote, (), images)
        return
    wanted = _wanted(account_id, quote, model, images)
    asking = _Asking(ports, service, account_id, wanted)
    await asking.begin()
    reserved = Reserved(quote, tuple(each.id for each in wanted), images)
    try:
        await asking.ask()
        yield reserved
    except BaseException:
        # Whether it was kept may be unknown, as when a commit's answer is lost: rows say it.
        await asking.give_up()
        raise
    if not reserved.is_kept:
        await asking.give_up()


def _wanted(account_id: str, quote: Quote, model: str, images: int) -> tuple[Reservation, ...]:
    """One for each image, as each has a job that ends by itself; the first have the odd cents."""
    share, odd = divmod(quote.amount_cents, images)
    return tuple(
        Reservation(
            id=str(uuid4()),
            account_id=account_id,
            model=model,
            amount_cents=share + (place < odd),
            currency=quote.currency,
        )
        for place in range(images)
    )


class _Asking:
    """One order at the service: how many images it holds, and which one it has refused."""

    def __init__(
        self,
        ports: Ports,
        service: ReservesElsewhere,
        account_id: str,
        wanted: tuple[Reservation, ...],
    ) -> None:
        self.ports = ports
        self._service = service
        self._account_id = account_id
        self._wanted = wanted
        self._held = 0
        self._refused: str | None = None

    async def begin(self) -> None:
        async with self.ports.database.write(self._account_id) as tx:
            await accounts.ensure(tx, self._account_id)
            await reservations.begin(tx, self._service.source, self._wanted, good_s=_GOOD_S)

    async def ask(self) -> None:
        """One after the other, so that after a refusal nothing more is asked for."""
        try:
            async with asyncio.timeout(_ASKING_S):
                for each in self._wanted:
                    await self._reserve(each)
        except StagingError:
            raise
        except Exception as error:
            raise BillingUnavailable("The credit service did not answer.") from error

    async def _reserve(self, reservation: Reservation) -> None:
        service = self._service
        try:
            await service.reserve(reservation)
        except UsageLimitExceeded as refusal:
            self._refused = reservation.id
            if self._held:
                raise self._in_part(refusal) from refusal
            raise
        self._held += 1

    def _in_part(self, refusal: UsageLimitExceeded) -> UsageLimitExceeded:
        return UsageLimitExceeded(
            f"There are credits for {self._held} of the order's {len(self._wanted)} images.",
            remedy=refusal.remedy,
            shortfall=refusal.shortfall,
        )

    async def give_up(self) -> None:
        ids = [each.id for each in self._wanted]
        try:
            async with self.ports.database.write(self._account_id) as tx:
                await reservations.give_up(tx, ids, refused=self._refused)
        except DatabaseFailed:
            log.info("reservations are left to a sweep", exc_info=True)
