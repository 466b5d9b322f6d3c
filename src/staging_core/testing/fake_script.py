"""What the fake stager does, call by call."""

from __future__ import annotations

import msgspec

from staging_core.errors import SettingError

WORDS = (
    "ok",
    "busy",
    "refused",
    "moderated",
    "retryable",
    "raises",
    "hangs",
    "crash",
    "garbage",
    "html",
    "blank",
    "identical",
    "wrong_size",
    "empty",
)


class Script(msgspec.Struct, frozen=True):
    """One run of words per attempt: any number of ``busy``, which no attempt counts, and an end.

    ``busy,retryable,busy,ok`` says: the first attempt is told busy, then fails; the second is told
    busy, then succeeds. What comes after the script is ``ok``.
    """

    runs: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Script:
        """Read words joined by commas; ``SettingError`` names an unknown one."""
        runs: list[list[str]] = [[]]
        for word in (part.strip() for part in text.split(",") if part.strip()):
            if word not in WORDS:
                raise SettingError(
                    f"fake: has no script word {word!r}.", remedy=f"Words: {', '.join(WORDS)}."
                )
            runs[-1].append(word)
            if word != "busy":
                runs.append([])
        return cls(tuple(tuple(run) for run in runs if run))

    def word(self, attempt: int, call: int) -> str:
        """The word for call ``call`` (from 0) of attempt number ``attempt`` (from 1)."""
        run = self.runs[attempt - 1] if attempt <= len(self.runs) else ()
        return run[call] if call < len(run) else "ok"
