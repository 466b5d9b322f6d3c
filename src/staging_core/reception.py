"""What providers report on their own: verified, kept once, and passed to the job that waits."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from typing import Literal

from .database import attempts, gates, inbox
from .database.engine import Transaction
from .database.row import Row
from .errors import Busy, InvalidCallback, InvalidSignature, NotFound, StagingError
from .interfaces import ReceivesCallbacks, supports
from .landing import land
from .models import Callback, Notice, Wake
from .ports import Ports
from .predictions import is_handle
from .submission import nudge

log = logging.getLogger("staging_core")

MAX_BYTES = 1_048_576
"""A larger body is no report; nobody looks into it."""

UNREAD_S = 3600.0
"""How long a report may wait for its prediction to become known."""

_FORGET_S = 7 * 86_400.0

Received = Literal["received", "duplicate"]


class Reception:
    """Takes callbacks. ``turned_away`` counts, by error code, those that left no trace."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self.turned_away: Counter[str] = Counter()

    async def receive(self, callback: Callback, attempt_id: str | None) -> Received:
        """See ``Staging.receive``."""
        try:
            source, notice = await self._verified(callback, attempt_id)
            new, wake = await self._kept(source, notice, attempt_id)
        except StagingError as error:
            self.turned_away[error.code] += 1
            self.ports.telemetry.count("staging.callbacks", outcome=error.code)
            raise
        self.ports.telemetry.count("staging.callbacks", outcome="new" if new else "duplicate")
        if wake is not None:
            await nudge(self.ports, wake)
        return "received" if new else "duplicate"

    async def _kept(
        self, source: str, notice: Notice, attempt_id: str | None
    ) -> tuple[bool, Wake | None]:
        """Whether the report is new, and whom to nudge; nothing is kept for an unknown attempt."""
        async with self.ports.database.write() as tx:
            if not await inbox.add(tx, source, notice, attempt_id):
                return False, None
            _, wake = await self._pass_on(tx, source, notice, attempt_id, must_be=True)
        return True, wake

    async def read_again(self) -> int:
        """Reports whose prediction was not known when they came; how many are read now."""
        sources = sorted({gates.provider_of(each.card) for each in self.ports.stagers.values()})
        async with self.ports.database.read() as tx:
            unread = await inbox.unread(tx, sources, before=tx.now - UNREAD_S)
        if not unread:
            return 0
        return sum([await self._read_again(row) for row in unread])

    async def _read_again(self, row: Row) -> bool:
        notice = Notice(event_id=row["event_id"], handle=row["handle"])
        async with self.ports.database.write() as tx:
            known, wake = await self._pass_on(tx, row["source"], notice, row["attempt_id"])
            if not known and tx.now - row["received_at"] > UNREAD_S:
                log.warning("a report on %s is of no prediction of ours", row["handle"])
                await inbox.read(tx, row["source"], row["event_id"])
        if wake is not None:
            await nudge(self.ports, wake)
        return known

    async def forget(self) -> int:
        """Drop reports that were read a week ago."""
        async with self.ports.database.write() as tx:
            return await inbox.forget(tx, before=tx.now - _FORGET_S)

    # --- the effect -----------------------------------------------------------------------------

    async def _pass_on(
        self,
        tx: Transaction,
        source: str,
        notice: Notice,
        attempt_id: str | None,
        *,
        must_be: bool = False,
    ) -> tuple[bool, Wake | None]:
        """Whether the prediction is known (the report is read then), and whom to nudge.

        ``must_be``: ``NotFound`` when there is no attempt of the id that the report names.
        """
        named = None if attempt_id is None else await attempts.row(tx, attempt_id)
        if must_be and attempt_id is not None and named is None:
            raise NotFound("There is no such attempt.")
        attempt = named
        if named is None or named["handle"] != notice.handle:
            models = self._models_of(source)
            attempt = await attempts.of_handle(tx, models, notice.handle) or named
        if attempt is None:
            return False, None
        await inbox.read(tx, source, notice.event_id)
        return True, await land(tx, attempt, notice.handle)

    def _models_of(self, source: str) -> list[str]:
        return [
            name
            for name, stager in self.ports.stagers.items()
            if gates.provider_of(stager.card) == source
        ]

    # --- is it true? ----------------------------------------------------------------------------

    async def _verified(self, callback: Callback, attempt_id: str | None) -> tuple[str, Notice]:
        """The provider's name and what it says; nothing is told to whom it is not."""
        if len(callback.body) > MAX_BYTES:
            raise InvalidCallback(f"The body has more than {MAX_BYTES} bytes.")
        several = len(list(self._receivers(None))) > 1
        model = await self._model_of(attempt_id) if several and attempt_id is not None else None
        source, notice = await self._asked(callback, model)
        if not 1 <= len(notice.event_id) <= 200 or not is_handle(notice.handle):
            raise InvalidCallback("The event's id or its prediction's is out of bounds.")
        return source, notice

    async def _model_of(self, attempt_id: str) -> str | None:
        async with self.ports.database.read() as tx:
            attempt = await attempts.seen(tx, attempt_id)
        return attempt["model"] if attempt and attempt["model"] in self.ports.stagers else None

    async def _asked(self, callback: Callback, model: str | None) -> tuple[str, Notice]:
        """The first of the models' word on it; ``model``'s alone when the attempt is known."""
        no: list[StagingError] = []
        for source, receives in self._receivers(model):
            try:
                return source, await receives.receive(callback)
            except (InvalidSignature, InvalidCallback, Busy) as error:
                no.append(error)
        no.append(InvalidSignature("No model here knows this callback."))
        # Who has more to say than that it is not theirs is believed first.
        raise next((each for each in no if not isinstance(each, InvalidSignature)), no[0])

    def _receivers(self, model: str | None) -> Iterator[tuple[str, ReceivesCallbacks]]:
        for name, stager in self.ports.stagers.items():
            receives = supports(stager, ReceivesCallbacks)
            if receives is not None and model in (None, name):
                yield gates.provider_of(stager.card), receives
