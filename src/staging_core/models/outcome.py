"""What a stager answers."""

from __future__ import annotations

from typing import Any

import msgspec


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """One picture: its bytes, or the URL that the core shall fetch it from (one of the two)."""

    data: bytes | None = None
    url: str | None = None


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """The model delivered. The first usable output is the result; further ones are kept too.

    They were paid for: one that is not usable is left out, and so is what comes after the 16th.
    ``cost_usd``: what the provider charges for it. ``report``: JSON-able facts about the result.
    """

    outputs: tuple[Output, ...]
    cost_usd: float = 0.0
    report: dict[str, Any] = {}


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """The model is not done, or says something that is not understood."""

    progress: float | None = None
    phase: str = "waiting"


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """The model ended without a picture. ``moderated``: its safety filter did it."""

    message: str
    moderated: bool = False
    retryable: bool = True
    cost_usd: float = 0.0


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The provider knows the attempt; ``handle`` names its prediction."""

    handle: str


class Absent(msgspec.Struct, frozen=True, kw_only=True):
    """The provider certainly never made a prediction for the attempt."""


class CannotTell(msgspec.Struct, frozen=True, kw_only=True):
    """The provider cannot say; ask again later."""
