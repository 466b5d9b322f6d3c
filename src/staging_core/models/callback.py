"""What a provider reports on its own, and what a stager makes of it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Callback(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request of a provider, as it came. Nothing of it is true until it is verified.

    ``headers``: by lower-case name. ``received_at``: Unix seconds by the installation's clock.
    """

    body: bytes
    headers: Mapping[str, str]
    received_at: float

    def __repr__(self) -> str:
        return f"Callback({len(self.body)} bytes)"


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A verified callback: look at this prediction.

    ``event_id``: the same for every delivery of one event, 1..200 characters. ``handle``: as
    ``create`` gave it. What else the body said is not passed on: the prediction is asked for.
    """

    event_id: str
    handle: str
