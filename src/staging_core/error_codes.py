"""From a stable code back to the error it stands for."""

from __future__ import annotations

from .errors import JobVerb, StagingError


def error_for(code: str, message: str) -> StagingError:
    """The error a code stands for, as when a job's row tells of a failure in another process."""
    return (kind_of(code) or JobVerb)(message)


def kind_of(code: str) -> type[StagingError] | None:
    """The class of that code; None for a code that this version does not know."""
    kinds = [StagingError]
    while kinds:
        kind = kinds.pop()
        if kind.__dict__.get("code") == code:
            return kind
        kinds.extend(kind.__subclasses__())
    return None
