"""The books of a credit service: what accounts have, and what is held of it.

A hold is made once under its id and settled once, whole. What was released before it came is never
made, so that a request that was thought lost does no harm when it arrives after all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

Tell = Callable[..., None]
"""Tells the log of the truth: an event and its facts."""


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """``images`` of an account's credits; one that is settled has ``captured`` and ``released``.

    ``cents``, ``currency``, ``model``: what was said of it. Of one that was released before it came
    nothing else is known.
    """

    id: str
    account: str = ""
    images: int = 0
    cents: int = 0
    currency: str = ""
    model: str = ""
    state: Literal["held", "settled"] = "held"
    captured: int = 0
    released: int = 0


class Refused(Exception):
    """What the service answers when it does not do what was asked; then it has changed nothing."""

    def __init__(self, status: int, code: str, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.status = status
        self.told = {"code": code, "message": message, **facts}


class Book:
    """``credits``: what an account has that nobody has seen yet."""

    def __init__(self, tell: Tell, *, credits: int = 100) -> None:
        self.holds: dict[str, Hold] = {}
        self._tell = tell
        self._usual = credits
        self._left: dict[str, int] = {}

    def left(self, account: str) -> int:
        """The credits that an account may still have; what is held is not among them."""
        return self._left.setdefault(account, self._usual)

    def held(self, account: str) -> int:
        """The credits of an account that are held."""
        holds = self.holds.values()
        return sum(each.images for each in holds if (each.account, each.state) == (account, "held"))

    def give(self, account: str, credits: int) -> None:
        """Give an account credits, or with a negative number take them, down to none."""
        self._left[account] = max(self.left(account) + credits, 0)
        self._tell("given", account=account, credits=credits)

    def hold(self, wanted: Hold) -> Hold:
        """Hold what is wanted; one that is there already as it is. ``Refused``: 402, 409, 410."""
        there = self.holds.get(wanted.id)
        if there is not None:
            return self._same(there, wanted)
        left = self.left(wanted.account)
        if wanted.images > left:
            raise Refused(
                402,
                "insufficient_credits",
                f"The account has {left} credits left, not {wanted.images}.",
                left=left,
                missing=wanted.images - left,
            )
        self._left[wanted.account] = left - wanted.images
        self._keep("held", wanted)
        return wanted

    def _same(self, there: Hold, wanted: Hold) -> Hold:
        if there.state == "settled":
            raise Refused(410, "over", "What was settled is not held again.")
        if there != wanted:
            raise Refused(409, "differs", "Something else is held under this id.")
        return there

    def settle(self, id: str, captured: int, released: int) -> Hold:
        """End a hold; one that has ended so already as it is. ``Refused``: 404, 409, 422.

        Releasing an unknown one is noted, so that it is never made.
        """
        there = self.holds.get(id)
        if there is None:
            if captured:
                raise Refused(404, "not_found", "Nothing is held under this id.")
            ended = Hold(id=id, state="settled", released=released)
            self._keep("never_held", ended)
            return ended
        if there.state == "settled":
            is_same = (there.captured, there.released) == (captured, released)
            if is_same or not (there.account or captured):
                return there
            raise Refused(409, "differs", "It was settled otherwise.")
        if captured + released != there.images:
            raise Refused(422, "invalid", f"The hold is of {there.images} images.")
        ended = msgspec.structs.replace(
            there, state="settled", captured=captured, released=released
        )
        self._left[there.account] += released
        self._keep("settled", ended)
        return ended

    def _keep(self, event: str, hold: Hold) -> None:
        self.holds[hold.id] = hold
        self._tell(event, **msgspec.structs.asdict(hold))
