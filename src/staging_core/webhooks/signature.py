"""Standard Webhooks: what proves to a receiver that a message is ours, whole and fresh.

The rules are those of https://github.com/standard-webhooks/standard-webhooks (1.0.0): HMAC-SHA256
over ``id.timestamp.body`` with the bytes that stand in base64 after ``whsec_``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

_PREFIX = "whsec_"
_BYTES = 32  # the specification asks for 24 to 64


def new_secret() -> str:
    """A secret that nobody has, to be shown once: ``whsec_`` and 32 random bytes in base64."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def signed_headers(message_id: str, at: float, body: bytes, keys: Sequence[str]) -> dict[str, str]:
    """The three headers of a message that is sent ``at`` (Unix seconds).

    ``keys``: the endpoint's secrets, the newest first; each signs, so that a receiver may know
    either of them.
    """
    timestamp = str(int(at))
    content = f"{message_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{_signature(key, content)}" for key in keys),
    }


def _signature(key: str, content: bytes) -> str:
    secret = base64.b64decode(key.removeprefix(_PREFIX), validate=True)
    return base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode()
