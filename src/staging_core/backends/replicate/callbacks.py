"""Callbacks: verified with the account's secret before anything in them counts."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import msgspec
from replicate.webhook import Webhooks, WebhookSigningSecret

from staging_core.errors import Busy, InvalidCallback, InvalidSignature
from staging_core.models import Callback, Notice

from .account import Account
from .transport import Garbled, Rejected

TOLERANCE_S = 300
_ASK_AGAIN_S = 30.0
_REPLACED_S = 300.0
_SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")


class Callbacks:
    """Reads callbacks. ``secrets``: those that are configured; several while one is replaced.

    Without any, Replicate is asked for the account's secret when the first callback comes that
    could be signed at all, and again, every five minutes at most, when a signature does not fit.
    There is no way to accept one unsigned.
    """

    def __init__(self, account: Account, secrets: tuple[str, ...]) -> None:
        self._account = account
        self._secrets = secrets
        self._asks = not secrets
        self._asking = asyncio.Lock()
        self._asked = float("-inf")

    async def read(self, callback: Callback) -> Notice:
        """The verified event; ``InvalidSignature`` or ``InvalidCallback``."""
        headers = {name: callback.headers.get(name, "") for name in _SIGNED}
        body = _text(callback.body)
        if not all(headers.values()) or not body:
            raise InvalidSignature("The callback is not signed.")
        _check_age(headers["webhook-timestamp"], callback.received_at)
        if not await self._is_ours(headers, body):
            raise InvalidSignature()
        return Notice(event_id=_event_id(headers["webhook-id"]), handle=_handle(body))

    async def _is_ours(self, headers: dict[str, str], body: str) -> bool:
        if any(_is_signed(secret, headers, body) for secret in await self._known()):
            return True
        if not self._asks or time.monotonic() - self._asked < _REPLACED_S:
            return False
        async with self._asking:  # it may have been replaced at Replicate
            if time.monotonic() - self._asked >= _REPLACED_S:
                self._secrets = (await self._ask(),)  # if that fails, the old one stays
        return any(_is_signed(secret, headers, body) for secret in await self._known())

    async def _known(self) -> tuple[str, ...]:
        if self._secrets:
            return self._secrets
        async with self._asking:
            if not self._secrets:
                self._secrets = (await self._ask(),)
        return self._secrets

    async def _ask(self) -> str:
        """The account's secret; not more often than every half minute, whoever sends what."""
        missing = "The secret of Replicate's callbacks is not known yet."
        if time.monotonic() - self._asked < _ASK_AGAIN_S:
            raise Busy(missing, retry_after_s=_ASK_AGAIN_S)
        self._asked = time.monotonic()
        try:
            secret = await self._account.callback_secret()
        except (Rejected, Garbled, httpx.HTTPError, TimeoutError, ValueError) as error:
            raise Busy(
                missing,
                remedy="Set REPLICATE_WEBHOOK_SECRET.",
                retry_after_s=_ASK_AGAIN_S,
            ) from error
        if not secret:
            raise InvalidSignature("Replicate gives no secret, so no callback can be believed.")
        return secret


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise InvalidSignature("The callback is not text.") from error


def _check_age(timestamp: str, received_at: float) -> None:
    """By the installation's clock; the package's own check goes by the machine's."""
    try:
        age = abs(received_at - int(timestamp))
    except (ValueError, OverflowError) as error:
        raise InvalidSignature("The callback has no time.") from error
    if age > TOLERANCE_S:
        raise InvalidSignature(f"The callback is {age:.0f} s old.")


def _is_signed(secret: str, headers: dict[str, str], body: str) -> bool:
    key = WebhookSigningSecret(key=secret)
    try:
        Webhooks.validate(headers=headers, body=body, secret=key, tolerance=TOLERANCE_S)
    except ValueError:
        # The package's errors and those of base64 and int that it lets through.
        return False
    return True


def _event_id(told: str) -> str:
    if not 1 <= len(told) <= 200:
        raise InvalidCallback("The callback's id is too long.")
    return told


def _handle(body: str) -> str:
    try:
        prediction: Any = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise InvalidCallback("The callback is not JSON.") from error
    handle = prediction.get("id") if isinstance(prediction, dict) else None
    if not isinstance(handle, str) or not is_handle(handle):
        raise InvalidCallback("The callback names no prediction.")
    return handle


def is_handle(text: str) -> bool:
    """Whether this can be a prediction's id: 1 to 200 visible ASCII characters."""
    return 1 <= len(text) <= 200 and all("!" <= character <= "~" for character in text)
