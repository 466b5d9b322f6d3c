"""Attempts, as the worker makes them."""

from __future__ import annotations

import time
from itertools import count
from typing import Any

from staging_core.models import Attempt

_order = count(1)


def new_attempt(number: int = 1, **more: Any) -> Attempt:
    """An attempt of an id that was never used before, with two minutes to go."""
    return Attempt(
        id=f"suite-{next(_order)}-{time.time_ns():x}",
        number=number,
        deadline=time.time() + 120,
        **more,
    )
