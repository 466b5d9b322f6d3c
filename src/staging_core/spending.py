"""What an attempt may cost its provider, held against the caps before it is begun."""

from __future__ import annotations

from typing import NamedTuple

from .database import spend
from .database.engine import Transaction
from .database.row import Row
from .database.spend import Caps
from .errors import SpendCapped
from .interfaces import Photo
from .models import ModelCard
from .ports import Ports
from .runtime_settings import current


class Spending(NamedTuple):
    """An attempt's price in US dollars, and the caps it is held against; None: it counts nowhere.

    A model without a price is never capped, and while there is no cap nothing is counted.
    """

    usd: float
    caps: Caps | None

    async def reserve(self, tx: Transaction, attempt: Row, job: Row) -> None:
        """Count the attempt, last of all in its transaction; ``SpendCapped`` undoes it."""
        if self.caps is None:
            return
        setting = await spend.reserve(
            tx, attempt, project_id=job["project_id"], usd=self.usd, caps=self.caps
        )
        if setting is not None:
            raise self.capped(setting, tx.now)

    def capped(self, setting: str, now: float) -> SpendCapped:
        """What to raise when the cap of that setting was reached."""
        cap = getattr(self.caps, setting)
        return SpendCapped(
            f"The job may cost {self.usd:g} USD, which is beyond what is left today of the "
            f"{cap:g} USD of `{setting}`.",
            setting=setting,
            ends_at=(spend.day_of(now) + 1) * spend.DAY_S,
        )


async def caps_of(ports: Ports) -> Caps:
    """What holds now: an operator may have chosen it while the installation runs."""
    return Caps(*[await current(ports, name) for name in Caps._fields])


async def spending_on(ports: Ports, card: ModelCard, photo: Photo | None = None) -> Spending:
    """For one picture of the model; ``photo``: what it is given, where that is known yet."""
    price = card.price
    if not (price.usd or price.usd_per_megapixel):
        return Spending(0.0, None)
    caps = await caps_of(ports)
    pixels = 0 if photo is None else photo.width * photo.height
    usd = price.usd + price.usd_per_megapixel * pixels / 1e6
    return Spending(usd, None if caps == Caps() else caps)


async def check_caps(ports: Ports, card: ModelCard, job: Row) -> None:
    """``SpendCapped`` when an attempt would go beyond a cap, seen before any work is done."""
    spending = await spending_on(ports, card)
    if spending.caps is None:
        return
    async with ports.database.read(job["account_id"]) as tx:
        setting = await spend.reached(
            tx, job["account_id"], job["project_id"], usd=spending.usd, caps=spending.caps
        )
    if setting is not None:
        raise spending.capped(setting, tx.now)
