"""The stager of one model at Replicate.

Weak spots, honestly: Replicate has no idempotency key, so a create whose answer is lost can only be
looked for, by the attempt's id that travels with the photo (see ``tag``); it is never said to be
absent. Whether a new status means an end is not known either, so it counts as waiting until the
attempt's deadline. Prices are the card's: Replicate tells time and number of pictures, no dollars.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import Any

from staging_core.errors import (
    Busy,
    JobVerb,
    NotHonoured,
    OutcomeUnknown,
    Refused,
    Retryable,
)
from staging_core.interfaces import Photo
from staging_core.models import (
    Attempt,
    Callback,
    CannotTell,
    Failed,
    Found,
    Inspected,
    Notice,
    Staged,
    StageRequest,
    Waiting,
)
from staging_core.prompts import build_prompt

from .account import Account
from .callbacks import Callbacks, is_handle
from .card import ReplicateCard
from .cost import dearest
from .inspection import inspect_account
from .listing import Listing
from .missing import Missing
from .model_input import model_input
from .outcome import outcome
from .reach import can_reach
from .refusal import FAILING, of_account, of_create, of_upload, told
from .sent_photo import SentPhoto, send_photo
from .transport import Garbled, Rejected

log = logging.getLogger("staging_core")

_LEAST_S, _MOST_S = 5, 1800
_ENDED = {404, 409, 410, 422}


class ReplicateStager:
    """Implements ``Defers``, ``Finds``, ``ReceivesCallbacks``, ``Reaches`` and ``Inspects``.

    ``api``: where Replicate is. ``version``: of the model, for those that need one. ``hosts``: more
    that outputs may be fetched from.
    """

    def __init__(
        self,
        account: Account,
        facts: ReplicateCard,
        *,
        api: str,
        version: str,
        secrets: tuple[str, ...],
        clock: Callable[[], float],
        hosts: tuple[str, ...] = (),
    ) -> None:
        self.card = facts.model_card(*hosts)
        self._facts = facts
        self._account = account
        self._api = api
        self._version = version
        self._clock = clock
        self._callbacks = Callbacks(account, secrets)
        self._has_secret = bool(secrets)
        self._listing = Listing(account, facts.picture)
        self._missing = Missing(clock)

    async def inspect(self) -> tuple[Inspected, ...]:
        """See ``Inspects.inspect``."""
        return await inspect_account(
            self._account, self.card.id, api=self._api, has_secret=self._has_secret
        )

    # --- Defers ---------------------------------------------------------------------------------

    async def create(self, request: StageRequest, photo: Photo, attempt: Attempt) -> str:
        """See ``Defers.create``. Replicate stops the prediction at the attempt's deadline."""
        seconds = round(min(max(attempt.deadline - self._clock(), _LEAST_S), _MOST_S))
        given = self._given(request, photo)
        sent = await self._send(photo, attempt, ttl_s=float(seconds))
        into = self._facts.picture
        given[into.field] = [sent.value] if into.list else sent.value
        try:
            made = await self._account.create(
                self._path(), self._body(given, attempt), cancel_after_s=seconds
            )
        except FAILING as error:
            verb = of_create(error)
            await self._forget_unless_unknown(sent, verb)
            raise verb from _without_secrets(error)
        return _handle(made)

    async def check(self, handle: str) -> Waiting | Staged | Failed:
        """See ``Defers.check``. ``Busy`` or ``Retryable`` while Replicate cannot be asked."""
        try:
            prediction = await self._account.prediction(handle)
        except Rejected as error:
            if error.status in (404, 410) and error.is_its_own:
                return self._not_known(handle)
            raise _again(error) from None
        except FAILING as error:
            raise _again(error) from None
        self._missing.is_there(handle)
        return outcome(self._facts, prediction)

    def _not_known(self, handle: str) -> Waiting | Failed:
        """The first time it may only not be known yet; the next look, or the deadline, decides."""
        if not self._missing.is_sure(handle):
            return Waiting()
        return Failed(
            message="Replicate does not know this prediction.", cost_usd=dearest(self._facts)
        )

    async def cancel(self, handle: str) -> None:
        """See ``Defers.cancel``. ``Busy`` or ``Retryable`` when Replicate could not be told."""
        try:
            await self._account.cancel(handle)
        except Rejected as error:
            if error.status in _ENDED:
                return
            raise _again(error) from None
        except Garbled:
            return
        except FAILING as error:
            raise _again(error) from None

    def reaches(self, url: str) -> bool:
        """See ``Reaches.reaches``."""
        return can_reach(self._api, url)

    # --- Finds, ReceivesCallbacks ---------------------------------------------------------------

    async def find(self, attempt: Attempt) -> Found | CannotTell:
        """See ``Finds.find``. ``Found`` is certain; never ``Absent``, as a create may land late."""
        since = min(self._clock(), attempt.deadline) - _MOST_S
        try:
            handle = await self._listing.handle_of(attempt.id, since=since)
        except FAILING as error:
            log.info("attempt %s cannot be looked for: %s", attempt.id, told(error))
            return CannotTell()
        return Found(handle=handle) if handle else CannotTell()

    async def receive(self, callback: Callback) -> Notice:
        """See ``ReceivesCallbacks.receive``."""
        return await self._callbacks.read(callback)

    # --- parts of a create ----------------------------------------------------------------------

    def _given(self, request: StageRequest, photo: Photo) -> dict[str, Any]:
        """The input but for the photo; ``Refused`` before anything is sent."""
        try:
            prompt = build_prompt(request, self.card)
            return model_input(self._facts, request, photo, prompt=prompt.text)
        except NotHonoured as error:
            raise Refused(error.message, remedy=error.remedy) from error

    async def _send(self, photo: Photo, attempt: Attempt, *, ttl_s: float) -> SentPhoto:
        try:
            return await send_photo(
                self._account, self._api, self._facts.picture, photo, attempt, ttl_s=ttl_s
            )
        except FAILING as error:
            raise of_upload(error) from _without_secrets(error)

    def _path(self) -> str:
        return "/v1/predictions" if self._version else f"/v1/models/{self._facts.id}/predictions"

    def _body(self, given: dict[str, Any], attempt: Attempt) -> dict[str, Any]:
        body: dict[str, Any] = {"input": given}
        if self._version:
            body["version"] = self._version
        if attempt.callback_url and self.reaches(attempt.callback_url):
            body |= {"webhook": attempt.callback_url, "webhook_events_filter": ["completed"]}
        return body

    async def _forget_unless_unknown(self, sent: SentPhoto, verb: JobVerb) -> None:
        """Delete the upload of a prediction that was not made; otherwise it expires in a day."""
        if sent.file_id and verb.code != "outcome_unknown":
            with contextlib.suppress(*FAILING):
                await self._account.forget(sent.file_id)


def _handle(made: dict[str, Any]) -> str:
    handle = made.get("id")
    if not isinstance(handle, str) or not is_handle(handle):
        raise OutcomeUnknown("Replicate's answer names no prediction.")
    return handle


def _again(error: Exception) -> JobVerb:
    if isinstance(error, Rejected) and error.status == 429:
        return Busy("Replicate is busy.", retry_after_s=error.retry_after_s or 5.0)
    if (closed := of_account(error)) is not None:
        return closed
    return Retryable(f"Replicate could not be asked: {told(error)}.")


def _without_secrets(error: Exception) -> Exception | None:
    """A cause worth keeping: ours says no address; others' words may hold a photo's."""
    return error if isinstance(error, Rejected | Garbled) else None
