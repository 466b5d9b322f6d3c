"""Where providers report: the raw request goes to ``Staging.receive``, and nothing else happens.

Nobody signs in here: the stager of the attempt verifies the signature over the raw bytes. The
answer comes after the report is stored, so a provider that hears no 2xx sends it again.
"""

from __future__ import annotations

import time
from typing import Literal

import msgspec
from litestar.exceptions import HTTPException

from staging_core.errors import InvalidCallback, InvalidSignature, NotFound
from staging_core.models import Callback
from staging_embed.access import anyone
from staging_embed.call import Call
from staging_embed.identity import headers_of
from staging_embed.routing import Routes

MOST_BYTES = 1 << 20

callbacks = Routes("callbacks")
_signed = anyone("the stager verifies the provider's signature over the raw bytes")
_raw = {
    "raw": ("application/json", "*/*"),
    "most_bytes": MOST_BYTES,
    "errors": (InvalidCallback, InvalidSignature),
}


class CallbackTaken(msgspec.Struct, frozen=True):
    """``duplicate``: it was here before, and changed nothing."""

    status: Literal["received", "duplicate"]


@callbacks.post("/callbacks/{attempt_id}", _signed, **_raw)
async def receive_callback(call: Call) -> CallbackTaken:
    """Take what a provider reports on an attempt.

    The address is given to the provider with the prediction; nobody else needs it.
    """
    try:
        attempt_id = call.id("attempt_id")
    except NotFound as wrong:
        raise NotFound("There is no attempt of that id.") from wrong
    return CallbackTaken(await call.staging.receive(await callback_of(call), attempt_id=attempt_id))


@callbacks.post("/replicate/webhook", _signed, **_raw)
async def receive_replicate_webhook(call: Call) -> CallbackTaken:
    """Take what Replicate reports, at the address that old installations registered."""
    return CallbackTaken(await call.staging.receive(await callback_of(call)))


async def callback_of(call: Call) -> Callback:
    """The request as it came. What is too long is not read to its end."""
    try:
        body = await call.request.body()
    except HTTPException as error:
        if error.status_code != 413:
            raise
        raise InvalidCallback(f"A callback has at most {MOST_BYTES >> 20} MiB.") from error
    return Callback(body=body, headers=headers_of(call.request.scope), received_at=time.time())
