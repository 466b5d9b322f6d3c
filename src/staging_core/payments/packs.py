"""How many credits of a pack an account is to have, as the money for it goes back and forth."""

from __future__ import annotations

from typing import NamedTuple

from staging_core.models import PaidPurchase


class Pack(NamedTuple):
    """A pack as it was given. ``credits``: in it, 0 while it was not paid.

    ``asked``: how many of them were asked back so far; ``taken``: how many of these were there and
    were taken. ``changes``: how often that changed.
    """

    credits: int = 0
    asked: int = 0
    taken: int = 0
    changes: int = 0


def come_to(pack: Pack, paid: PaidPurchase, *, there: int) -> tuple[int, Pack]:
    """How many credits come (or go: below zero) now, and the pack after that.

    ``there``: how many credits the account has left. What it had used when its money went back is
    not asked for again later, also when it has bought more since.
    """
    asked = _asked(pack, paid)
    if asked == pack.asked:
        return 0, pack
    if asked > pack.asked:
        change = -min(asked - pack.asked, there)
    else:
        change = pack.taken - min(pack.taken, asked)
    after = Pack(pack.credits, asked, pack.taken - change, pack.changes + 1)
    return change, after


def _asked(pack: Pack, paid: PaidPurchase) -> int:
    """In proportion to what went back; a part of an image stays the customer's."""
    if paid.disputed:
        return pack.credits
    if not paid.amount_cents:
        return 0
    return min(pack.credits, pack.credits * paid.refunded_cents // paid.amount_cents)
