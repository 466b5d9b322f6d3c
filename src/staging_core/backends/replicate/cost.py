"""What a prediction costs: Replicate's metrics where they say it, else the card's price."""

from __future__ import annotations

from typing import Any

from .card import ReplicateCard


def cost_of(card: ReplicateCard, prediction: dict[str, Any], *, outputs: int) -> float:
    """US dollars. ``outputs``: how many pictures are charged, where Replicate does not count them.

    A model that is charged by time costs its ``predict_time``, also when it fails; one that is
    charged by output costs nothing then.
    """
    metrics = prediction.get("metrics")
    metrics = metrics if isinstance(metrics, dict) else {}
    if card.usd_per_second:
        return round(card.usd_per_second * _number(metrics.get("predict_time")), 6)
    charged = int(_number(metrics.get("image_count"))) or outputs if outputs else 0
    return round(charged * _each(card, prediction.get("input")), 6)


def dearest(card: ReplicateCard) -> float:
    """What a prediction may have cost of which nobody tells: not known is not for nothing."""
    return round(card.usd_per_second * card.time_limit_s, 6) or round(_each(card, None), 6)


def _each(card: ReplicateCard, given: object) -> float:
    price = card.price
    if not price.usd_per_megapixel or card.size is None or not isinstance(given, dict):
        return price.usd + price.usd_per_megapixel
    pixels = _number(given.get(card.size.width)) * _number(given.get(card.size.height))
    return price.usd + price.usd_per_megapixel * (pixels / 1e6 or 1.0)


def _number(value: object) -> float:
    """A count or a duration as JSON has it; anything else is 0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(value) if 0 <= value < 1e9 else 0.0
