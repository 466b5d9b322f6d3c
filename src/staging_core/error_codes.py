"""From a stable code back to the error it stands for."""

from __future__ import annotations

from .errors import JobVerb, StagingError


def error_for(code: str, message: str) -> StagingError:
    """The error a code stands for, as when a job's row tells of a failure in another process."""
    kinds = [StagingError]
    while kinds:
        kind = kinds.pop()
        if kind.__dict__.get("code") == code:
            return kind(message)
        kinds.extend(kind.__subclasses__())
    return JobVerb(message)
