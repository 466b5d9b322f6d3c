"""Where the payment provider reports: the raw request goes to ``Staging.receive_payment``.

Nobody signs in here: the billing backend verifies the signature over the raw bytes. The answer
comes when the report is kept; what it is about is looked at afterwards.
"""

from __future__ import annotations

from staging_core.errors import InvalidCallback, InvalidSignature, ServiceUnavailable
from staging_embed.access import anyone
from staging_embed.call import Call

from .callbacks import MOST_BYTES, CallbackTaken, callback_of
from .payments import billing

__all__ = ["billing"]


@billing.post(
    "/stripe/webhook",
    anyone("the payment provider signs what it sends"),
    raw=("application/json", "*/*"),
    most_bytes=MOST_BYTES,
    errors=(InvalidCallback, InvalidSignature, ServiceUnavailable),
)
async def receive_stripe_webhook(call: Call) -> CallbackTaken:
    """Take what the payment provider reports; never without its signature."""
    return CallbackTaken(await call.staging.receive_payment(await callback_of(call)))
