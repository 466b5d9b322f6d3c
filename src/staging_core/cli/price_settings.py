"""Prices of a payment provider, as they stand in ``staging.toml``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from staging_core.config import Settings
from staging_core.models import Listing, PublishedPrice


def as_toml(published: Sequence[PublishedPrice], settings: Settings) -> str:
    """The tables of plans and packs with their prices: what is sold first, then older ones."""
    tables: dict[str, list[str]] = {}
    for price in published:
        listing = price.listing
        lines = tables.setdefault(f"[{listing.kind}s.{listing.code}]", [])
        if listing.overage:
            lines.append(f"overage_price_id = {json.dumps(price.price_id)}")
        else:
            older = [each for each in _known(settings, listing) if each != price.price_id]
            lines.append(f"price_ids = {json.dumps([price.price_id, *older])}")
    return "\n\n".join("\n".join((table, *lines)) for table, lines in tables.items())


def _known(settings: Settings, listing: Listing) -> Iterable[str]:
    sold = settings.plans if listing.kind == "plan" else settings.packs
    return sold[listing.code].price_ids
