"""The invariants, counted over rows, objects and what others say: every number should be zero.

``I1`` no accepted job and no report of a provider is lost. ``I2`` a ready job was made once, is
charged what its attempts cost, and every hold is settled once, as its job ended. ``I3`` no order is
accepted twice. ``I4`` attempts are bounded, each has one prediction, and every prediction is known.
``I5`` no job waits for a worker that nobody sends. ``I6`` results are in the storage as the rows
say, and nothing else is. ``I7`` the event log has no gap, no illegal move and one end per ended
job. ``I8`` no row is of two accounts. ``I9`` no balance is below zero, and each is the sum of its
entries in the ledger. ``I10`` no secret stands in a row.

What only an outsider knows (answers that clients hold, predictions at a provider, secrets) is
``Evidence``: without it the rows alone are judged.
"""

from __future__ import annotations

from .auditor import SOUND, Audit, counted
from .evidence import Accepted, Evidence, KnownPrediction
from .violation import Violation

__all__ = ["SOUND", "Accepted", "Audit", "Evidence", "KnownPrediction", "Violation", "counted"]
