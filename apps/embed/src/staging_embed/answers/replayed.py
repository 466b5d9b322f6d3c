"""Answers to calls that an idempotency key made repeatable."""

from __future__ import annotations

from typing import TypeVar

from staging_embed.answer import Answer

T = TypeVar("T")


def replayed(body: T, is_replay: bool) -> Answer[T]:
    """The answer, which says so when an earlier call created what it tells of."""
    return Answer(body, headers={"Idempotent-Replayed": "true"} if is_replay else {})
