"""Cursors: where the next page of a list begins, opaque and signed.

A cursor is good for one list of one account. It carries the place of the last row that was given,
so page 10,000 costs what page 1 costs, and the signature keeps clients from relying on what is in
it, or from trying what a made-up one does.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, TypeVar

import msgspec

from .refusal import invalid

P = TypeVar("P")
_MAC_BYTES = 16
_MOST = 2048


class Cursors:
    """Writes and reads cursors. ``key``: the installation's signing key."""

    def __init__(self, key: str) -> None:
        self._key = hmac.digest(key.encode(), b"staging list cursor", hashlib.sha256)

    def write(self, scope: str, place: Any) -> str:
        """The cursor of ``place`` (JSON-able) in the list ``scope``."""
        told = msgspec.json.encode(place)
        return urlsafe_b64encode(self._mac(scope, told) + told).decode().rstrip("=")

    def read(self, scope: str, cursor: str, shape: type[P]) -> P:
        """The place that ``write`` was given for the same list; 422 for anything else."""
        try:
            raw = urlsafe_b64decode(_padded(cursor))
            mac, told = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
            if hmac.compare_digest(mac, self._mac(scope, told)):
                return msgspec.json.decode(told, type=shape)
        except (ValueError, msgspec.MsgspecError):
            pass
        raise invalid("cursor", "This is not a cursor of this list.")

    def _mac(self, scope: str, told: bytes) -> bytes:
        text = scope.encode() + b"\0" + told
        return hmac.digest(self._key, text, hashlib.sha256)[:_MAC_BYTES]


def _padded(cursor: str) -> bytes:
    if len(cursor) > _MOST:
        raise ValueError("too long")
    return cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
