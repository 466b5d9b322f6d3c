"""Objects in a storage."""

from __future__ import annotations

import re

import msgspec

from staging_core.errors import InvalidKey

_KEY = re.compile(r"[A-Za-z0-9._-]{1,200}(?:/[A-Za-z0-9._-]{1,200})*")


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """One object. ``etag`` changes whenever its bytes do; ``modified``: Unix seconds.

    What ``put`` gives as ``modified`` may differ by the seconds that the storing took.
    """

    key: str
    size: int
    etag: str
    content_type: str = "application/octet-stream"
    modified: float = 0.0


class ByteRange(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes ``start`` up to, not including, ``end`` (None: to the end). ``0 <= start < end``."""

    start: int = 0
    end: int | None = None


def is_key(key: str) -> bool:
    """Whether ``key`` is one that storages take: 1..512 characters, parts of 1..200 characters.

    Parts are ASCII letters, digits and ``._-``, joined by single slashes, none being ``.`` or
    ``..``: a key can therefore never leave the folder or the prefix that it is put under.
    """
    if len(key) > 512 or _KEY.fullmatch(key) is None:
        return False
    return not {".", ".."} & set(key.split("/"))


def check_key(key: str) -> str:
    """``key`` itself; ``InvalidKey`` when storages do not take it."""
    if not is_key(key):
        raise InvalidKey(f"{key[:80]!r} is not a storage key.")
    return key


def check_prefix(prefix: str) -> str:
    """``prefix`` itself; ``InvalidKey`` when no key could begin with it."""
    if prefix and not (is_key(prefix) or is_key(prefix + "x")):
        raise InvalidKey(f"{prefix[:80]!r} is not the beginning of a storage key.")
    return prefix
