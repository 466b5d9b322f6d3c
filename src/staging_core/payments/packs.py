"""How many credits of a pack an account is to have, as the money for it goes back and forth."""

from __future__ import annotations

from typing import NamedTuple

from staging_core.database.owed import Credits
from staging_core.models import PaidPurchase


class Pack(NamedTuple):
    """A pack as it was given. ``credits``: in it, 0 while it was not paid.

    ``asked``: how many of them were asked back so far; ``taken``: how many of these were there and
    were taken; ``owed``: how many jobs held then. ``changes``: how often that changed.
    """

    credits: int = 0
    asked: int = 0
    taken: int = 0
    changes: int = 0
    owed: int = 0


class Change(NamedTuple):
    """``credits`` come, or go: below zero. ``owed``: so many more, or fewer, are owed.

    ``claimed``: how many that were owed are known to have been taken.
    """

    credits: int = 0
    owed: int = 0
    claimed: int = 0


def come_to(pack: Pack, paid: PaidPurchase, has: Credits) -> tuple[Change, Pack]:
    """What comes and goes now, and the pack after that. ``has``: what the account has.

    What it had used when its money went back is not asked for again later, also when it has bought
    more since. What its jobs held is taken when they give it back.
    """
    asked = _asked(pack, paid)
    if asked == pack.asked:
        return Change(), pack
    claimed = min(pack.owed, has.owed_taken)
    taken, owed = pack.taken + claimed, min(pack.owed - claimed, has.owed)
    if asked > pack.asked:
        goes = min(asked - pack.asked, has.available)
        waits = min(asked - pack.asked - goes, has.reserved - has.owed)
        change = Change(-goes, waits, claimed)
    else:
        too_much = max(0, taken + owed - asked)
        let_off = min(owed, too_much)
        change = Change(too_much - let_off, -let_off, claimed)
    after = Pack(pack.credits, asked, taken - change.credits, pack.changes + 1, owed + change.owed)
    return change, after


def _asked(pack: Pack, paid: PaidPurchase) -> int:
    """In proportion to what went back; a part of an image stays the customer's."""
    if paid.disputed:
        return pack.credits
    if not paid.amount_cents:
        return 0
    return min(pack.credits, pack.credits * paid.refunded_cents // paid.amount_cents)
