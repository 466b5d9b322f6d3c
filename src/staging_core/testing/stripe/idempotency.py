"""Idempotency keys: the same call under the same key has one effect and one answer."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from staging_core.testing.double.message import Answer

from .refusal import Refused
from .settings import DAY_S

LONGEST = 255


class Kept(msgspec.Struct):
    """One key: what was asked, since when, and the answer once there is one."""

    asked: tuple[str, str, bytes]
    since: float
    answer: Answer | None = None


class Idempotency:
    """Keys are kept for a day. What was refused before it began is not kept."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._kept: dict[str, Kept] = {}

    def begin(self, key: str, asked: tuple[str, str, bytes]) -> Answer | None:
        """The answer that was given before; ``None``: go on, and ``finish`` or ``forget``."""
        if len(key) > LONGEST:
            raise Refused(
                f"Idempotency keys have {LONGEST} characters at most.",
                kind="idempotency_error",
                ran=False,
            )
        kept = self._kept.get(key)
        if kept is None or self._now() - kept.since > DAY_S:
            self._kept[key] = Kept(asked, self._now())
            return None
        if kept.asked[:2] != asked[:2]:
            raise _other(f"for the same endpoint they were first used for ('{kept.asked[1]}')", key)
        if kept.asked != asked:
            raise _other("with the same parameters they were first used with", key)
        if kept.answer is None:
            message = (
                "There is currently another in-progress request using this Stripe-Idempotency Key"
                f" (that probably means you submitted twice, and the other request is still going"
                f" through): {key}. Try again, it will be replayed when it has ended."
            )
            code, kind = "idempotency_key_in_use", "idempotency_error"
            raise Refused(message, code=code, status=409, kind=kind, ran=False)
        return kept.answer

    def finish(self, key: str, answer: Answer) -> None:
        """This is the answer under this key from now on."""
        self._kept[key].answer = answer

    def forget(self, key: str) -> None:
        """Nothing was begun."""
        self._kept.pop(key, None)


def _other(how: str, key: str) -> Refused:
    message = (
        f"Keys for idempotent requests can only be used {how}. Try using a key other than '{key}'"
        " if you meant to execute a different request."
    )
    return Refused(message, kind="idempotency_error", ran=False)
