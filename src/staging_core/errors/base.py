"""What every error of ours has: a stable code, an HTTP status and a remedy."""

from __future__ import annotations

from typing import ClassVar

from staging_core.text import keepable


class StagingError(Exception):
    """Something went wrong inside staging-core itself; please report it."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    remedy_hint: ClassVar[str] = "Run `staging doctor`; if it finds nothing, report this message."

    def __init__(self, message: str = "", *, remedy: str | None = None) -> None:
        # Strangers' words may be in it, and it goes to rows, logs and answers: those are UTF-8.
        self.message = keepable(str(message)) or _first_sentence(type(self))
        self.remedy = remedy or self.remedy_hint
        super().__init__(self.message)


def _first_sentence(kind: type[StagingError]) -> str:
    return (kind.__doc__ or kind.__name__).strip().splitlines()[0]
