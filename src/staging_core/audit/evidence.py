"""What the database cannot know by itself: told by clients, providers and operators."""

from __future__ import annotations

import msgspec


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """A submit that was acknowledged: the answer that a client holds."""

    account_id: str
    group_id: str
    job_ids: tuple[str, ...]
    idempotency_key: str | None = None


class KnownPrediction(msgspec.Struct, frozen=True, kw_only=True):
    """A prediction in the provider's own books.

    ``attempt_id``: whom it was made for, where the provider knows. ``cost_usd``: what the provider
    charges for it; None: not said.
    """

    handle: str
    attempt_id: str | None = None
    cost_usd: float | None = None


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What others say. ``settled``: work has come to rest, so that every job has to have ended.

    ``predictions``: all that the provider ever made; None: nobody asked it. ``secrets``: what
    must stand in no row.
    """

    accepted: tuple[Accepted, ...] = ()
    predictions: tuple[KnownPrediction, ...] | None = None
    secrets: tuple[str, ...] = ()
    settled: bool = False

    def __repr__(self) -> str:
        told = "not asked" if self.predictions is None else len(self.predictions)
        return f"Evidence({len(self.accepted)} accepted, predictions: {told})"
