"""The queue's only message."""

from __future__ import annotations

import msgspec


class Wake(msgspec.Struct, frozen=True, kw_only=True):
    """Look at this job. May be lost, doubled or late without harm: the row is the truth.

    ``not_before``: Unix seconds, 0 for now.
    """

    job_id: str
    lane: str = "default"
    not_before: float = 0.0
