"""Predictions that no worker holds: looked for after they were given up, cancelled as waste."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from .database import attempts, gates, spend
from .database.engine import Transaction
from .database.row import Row
from .errors import Busy, NotFound, Retryable
from .interfaces import Defers, Finds, Reaches, ReceivesCallbacks, supports
from .landing import FIRST_LOOK_S, land
from .models import Absent, Attempt, CannotTell, Failed, Found, Staged, Waiting
from .ports import Ports
from .settlement import is_of_all, unasked_s
from .telemetry import provider_call

log = logging.getLogger("staging_core")

CALL_S = 60.0
"""Seconds that one call at a provider may take."""

MOST_LOOKS = 13
"""How often a prediction is looked for that was given up; no provider keeps one alive longer.

Looks and not a time, as nobody looks while no worker runs: 13 of them take an hour.
"""

_LONGEST_PAUSE_S = 600.0


def attempt_of(row: Row, public_url: str | None, stager: object) -> Attempt:
    """The attempt as its stager sees it; every one has a callback address of its own."""
    calls_back = public_url is not None and _calls_back(stager, public_url)
    return Attempt(
        id=row["id"],
        number=row["number"],
        deadline=row["deadline"],
        callback_url=f"{public_url}/api/v1/callbacks/{row['id']}" if calls_back else None,
    )


def _calls_back(stager: object, public_url: str) -> bool:
    """Whether a report of the stager's provider can be awaited at the address."""
    if supports(stager, ReceivesCallbacks) is None:
        return False
    knows = supports(stager, Reaches)
    return knows is None or knows.reaches(public_url)


async def find(stager: object, attempt: Attempt) -> Found | Absent | CannotTell:
    """What the provider knows of the attempt; ``CannotTell`` also when it cannot be asked."""
    finds = supports(stager, Finds)
    if finds is None:
        return CannotTell()
    try:
        async with asyncio.timeout(CALL_S):
            found = await finds.find(attempt)
    except Exception:  # asked again later, whatever it was
        log.warning("attempt %s: no answer whether it exists", attempt.id, exc_info=True)
        return CannotTell()
    return CannotTell() if isinstance(found, Found) and not is_handle(found.handle) else found


def is_handle(handle: object) -> bool:
    """Whether it is 1..200 visible ASCII characters."""
    return (
        isinstance(handle, str)
        and 1 <= len(handle) <= 200
        and all("!" <= character <= "~" for character in handle)
    )


class Predictions:
    """The sweeps over predictions."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports

    async def look(self) -> int:
        """Ask after attempts that were given up; how many have turned up."""
        deferring = [
            name for name, each in self.ports.stagers.items() if supports(each, Defers) is not None
        ]
        if not deferring:
            return 0
        async with self.ports.database.read() as tx:
            given_up = await attempts.to_look_for(tx, deferring)
        return sum(await asyncio.gather(*(self._look_for(attempt) for attempt in given_up)))

    async def _look_for(self, row: Row) -> bool:
        stager = self.ports.stagers[row["model"]]
        found = await find(stager, attempt_of(row, self.ports.settings.public_url, stager))
        async with self.ports.database.write(row["account_id"]) as tx:
            attempt = await attempts.row(tx, row["id"])
            if attempt is None:
                return False
            if isinstance(found, Found):  # beside what a callback may have named meanwhile
                await land(tx, attempt, found.handle)
                return True
            if attempt["look_at"] is None:
                return False
            looks = attempt["looks"] + 1
            again = tx.now + min(FIRST_LOOK_S * 1.5**looks, _LONGEST_PAUSE_S)
            over = looks >= MOST_LOOKS
            await attempts.change(tx, attempt["id"], look_at=None if over else again, looks=looks)
        return False

    async def cancel(self, attempt_id: str, model: str, handle: str) -> None:
        """Cancel a prediction and book what it cost; ``Retryable`` while that is not known.

        ``Busy`` while the provider wants to be asked nothing.
        """
        stager = supports(self.ports.stagers.get(model), Defers)
        if stager is None:
            raise NotFound(f"The model {model} is not open here.")
        try:
            outcome = await self._cancelled(stager, model, handle)
        except Busy as busy:
            if is_of_all(busy):
                async with self.ports.database.write() as tx:
                    await gates.close_reads(tx, stager.card, seconds=unasked_s(busy))
            raise
        if isinstance(outcome, Waiting):
            raise Retryable("The prediction has not ended yet.")
        async with self.ports.database.write() as tx:
            await attempts.book(tx, attempt_id, outcome.cost_usd)

    async def _cancelled(
        self, stager: Defers, model: str, handle: str
    ) -> Waiting | Staged | Failed:
        """How it stands once it is cancelled, which saves money: so that is not put off."""
        with provider_call(self.ports.telemetry, "cancel", model):
            async with asyncio.timeout(CALL_S):
                await stager.cancel(handle)
        async with self.ports.database.read() as tx:
            shut_s = await gates.reads_shut_s(tx, stager.card)
        if shut_s > 0:
            raise Busy("The provider is asked no questions now.", retry_after_s=shut_s)
        with provider_call(self.ports.telemetry, "check", model):
            async with asyncio.timeout(CALL_S):
                return await stager.check(handle)

    async def assume_cost(self, tx: Transaction, prediction: Mapping[str, str]) -> None:
        """Book the price of a prediction that was to be cancelled, and of which nobody tells.

        Its model is not open anywhere, or its provider was away all the time. What is not known is
        not taken for nothing: it cost what a cap counted for it, else what its model's card says.
        """
        attempt = await attempts.row(tx, prediction["attempt_id"])
        if attempt is None or attempt["cost_usd"]:
            return
        usd = spend.counted(attempt)
        if usd is None and (stager := self.ports.stagers.get(prediction["model"])) is not None:
            usd = stager.card.price.usd
        if usd:
            await attempts.book(tx, attempt["id"], usd)
