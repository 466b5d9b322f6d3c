"""Packs: credits that are bought once. They are configuration."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from .plan import Cents


class Pack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``credits`` (images that do not end) for ``price_cents`` smallest units of ``currency``.

    ``price_ids``: what the payment provider calls its price; the first is the one that is sold.
    """

    credits: Annotated[int, Meta(ge=1, le=1_000_000)]
    price_cents: Cents
    name: Annotated[str, Meta(max_length=100)] = ""
    currency: Annotated[str, Meta(pattern="^[a-z]{3}$")] = "usd"
    price_ids: tuple[Annotated[str, Meta(min_length=1, max_length=255)], ...] = ()
