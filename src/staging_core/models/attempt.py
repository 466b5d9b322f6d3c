"""One try of one job at one model."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec


def _unheard(share: float, phase: str) -> None:
    """Progress that nobody listens to."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """What a stager knows about the try it serves.

    ``id``: unique for ever, good as an idempotency key. ``number`` counts from 1. ``deadline``:
    Unix time in seconds after which the result is worthless; for ``stage`` and ``create``, which
    have until then, by this machine's clock, else by the database's.
    ``callback_url``: where a provider may report, or None when it cannot reach us.
    ``progress(share, phase)``: share 0..1 of the whole call and a short phase name; callable from
    any thread, cheap, never raises. ``secrets``: those of the model's card that an operator has
    set, given with ``stage`` and ``create``; ``repr`` hides them.
    """

    id: str
    number: int
    deadline: float
    callback_url: str | None = None
    progress: Callable[[float, str], None] = _unheard
    secrets: Mapping[str, str] = {}

    def __repr__(self) -> str:
        shown = dict.fromkeys(self.secrets, "***")
        told = f"id={self.id!r}, number={self.number}, deadline={self.deadline}"
        return f"Attempt({told}, callback_url={self.callback_url!r}, secrets={shown!r})"
