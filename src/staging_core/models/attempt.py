"""One try of one job at one model."""

from __future__ import annotations

from collections.abc import Callable

import msgspec


def _unheard(share: float, phase: str) -> None:
    """Progress that nobody listens to."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """What a stager knows about the try it serves.

    ``id``: unique for ever, good as an idempotency key. ``number`` counts from 1. ``deadline``:
    Unix time in seconds after which the result is worthless. ``callback_url``: where a provider
    may report, or None when it cannot reach us. ``progress(share, phase)``: share 0..1 of the
    whole call and a short phase name; callable from any thread, cheap, never raises.
    """

    id: str
    number: int
    deadline: float
    callback_url: str | None = None
    progress: Callable[[float, str], None] = _unheard
