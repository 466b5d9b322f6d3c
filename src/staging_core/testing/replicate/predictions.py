"""All predictions that were ever made, by id and in their order."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

from .prediction import Prediction

PAGE = 100


def prediction_id(seed: int, ordinal: int) -> str:
    """26 lower-case letters and digits, as Replicate's ids are; the same for the same seed."""
    digest = hashlib.sha256(f"{seed} prediction {ordinal}".encode()).digest()
    return base64.b32encode(digest[:17]).decode().lower()[:26]


class Predictions:
    """Nothing is ever forgotten; what is not visible yet is not found."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._made: list[Prediction] = []
        self._by_id: dict[str, Prediction] = {}

    def __len__(self) -> int:
        return len(self._made)

    def add(self, prediction: Prediction) -> None:
        """Keep a new one."""
        self._made.append(prediction)
        self._by_id[prediction.id] = prediction

    def all(self) -> list[Prediction]:
        """Every one, the oldest first, visible or not."""
        return list(self._made)

    def known(self, id: str) -> Prediction | None:
        """The prediction, visible or not."""
        return self._by_id.get(id)

    def get(self, id: str) -> Prediction | None:
        """The prediction, once it is visible."""
        prediction = self._by_id.get(id)
        return prediction if prediction and prediction.visible <= self._now() else None

    def page(
        self, cursor: str | None, after: float | None = None, before: float | None = None
    ) -> tuple[list[Prediction], str | None, str | None]:
        """A page, the newest first, with the cursors of the next (older) and the previous one.

        ``after``, ``before``: bounds of the time of creation. ``ValueError``: not a cursor of ours.
        """
        towards, place = _read(cursor) if cursor else ("older", len(self._made))
        if towards == "newer":
            found = self._from(range(place + 1, len(self._made)), after, before)[::-1]
        else:
            found = self._from(range(place - 1, -1, -1), after, before)
        if not found:
            return [], None, None
        older = self._any(range(found[-1].ordinal - 1, -1, -1), after, before)
        newer = self._any(range(found[0].ordinal + 1, len(self._made)), after, before)
        return (
            found,
            _cursor("older", found[-1].ordinal) if older else None,
            _cursor("newer", found[0].ordinal) if newer else None,
        )

    def _from(
        self, places: range, after: float | None, before: float | None, most: int = PAGE
    ) -> list[Prediction]:
        found = []
        for place in places:
            if self._shows(self._made[place], after, before):
                found.append(self._made[place])
            if len(found) == most:
                break
        return found

    def _any(self, places: range, after: float | None, before: float | None) -> bool:
        return bool(self._from(places, after, before, most=1))

    def _shows(self, prediction: Prediction, after: float | None, before: float | None) -> bool:
        return (
            prediction.visible <= self._now()
            and (after is None or prediction.created >= after)
            and (before is None or prediction.created < before)
        )


def _cursor(towards: str, place: int) -> str:
    return base64.urlsafe_b64encode(f"{towards} {place}".encode()).decode()


def _read(cursor: str) -> tuple[str, int]:
    towards, place = base64.urlsafe_b64decode(cursor).decode("ascii").split(" ")
    if towards not in ("older", "newer"):
        raise ValueError(f"{cursor!r} is not a cursor")
    return towards, int(place)
