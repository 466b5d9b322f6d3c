"""Credits of an account that a service outside holds for a picture, and what becomes of them."""

from __future__ import annotations

import msgspec


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """``images`` that ``model`` is to make for an account; today it is always one.

    ``id``: 1 to 64 letters, digits and ``-``, never given twice. ``account_id``: as the
    installation names it. ``amount_cents``, ``currency``: the images' share of what was quoted.
    """

    id: str
    account_id: str
    model: str
    images: int = 1
    amount_cents: int = 0
    currency: str = "usd"


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a reservation: ``captured`` images were had, ``released`` ones are given back.

    Together they are the reservation's.
    """

    reservation_id: str
    captured: int = 0
    released: int = 0
