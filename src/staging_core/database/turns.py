"""Whose turn it is to have a job begun: weighted fair queueing by start tags.

Each account has a turn, a place on a line that all share, and who stands furthest back is next.
A job that is begun takes its account ahead by a step, divided by the weight of its plan: so of
accounts that wait, each has as many begun as its weight says, at whatever number of workers, to
within one. Who had nothing to do stands far behind when something comes; the moment it is served
it is taken up to one step behind the foremost that waits, so it neither starves nor is starved.
After P. Goyal, H. M. Vin, H. Cheng, Start-time fair queuing, IEEE/ACM Trans. Networking 5 (1997).
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from .row import Row
from .tables import accounts

STEP = 720_720
"""Of weight 1; whole and divisible by every weight up to 16, so that their shares are exact."""


def least(waiting: Sequence[Row]) -> int:
    """Where the one that is served stands at least, among those that wait (with their ``turn``)."""
    return max((row["turn"] for row in waiting), default=0) - STEP


def taken(turn_from: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    """The turn of the account's row after a job of it was begun; as it is for NULL."""
    at_least = sa.case((accounts.c.turn < turn_from, turn_from), else_=accounts.c.turn)
    ahead = at_least + sa.literal(STEP, sa.BigInteger()) // accounts.c.weight
    return sa.case((turn_from.is_(None), accounts.c.turn), else_=ahead)
