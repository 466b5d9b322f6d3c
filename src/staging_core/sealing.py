"""Secrets that operators hand in, sealed for the database (Fernet: AES-128-CBC with HMAC-SHA256).

What is sealed names its place, so that a row which somebody moved opens nothing.
"""

from __future__ import annotations

from typing import Any

import msgspec

from .errors import MissingExtra, SecretsUnavailable


class _Sealed(msgspec.Struct, frozen=True):
    """What is encrypted."""

    place: str
    secret: str


class Seal:
    """Seals with the first of ``keys`` and opens with all, so that keys can be changed in turns."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = keys

    def close(self, place: str, secret: str) -> str:
        """The secret, as the database may keep it; ``SecretsUnavailable`` without a key."""
        told: bytes = self._fernet().encrypt(msgspec.json.encode(_Sealed(place, secret)))
        return told.decode("ascii")

    def open(self, place: str, sealed: str) -> str:
        """The secret; ``SecretsUnavailable`` when no key opens it, or it was sealed elsewhere."""
        from cryptography.fernet import InvalidToken

        try:
            told = msgspec.json.decode(self._fernet().decrypt(sealed), type=_Sealed)
        except (InvalidToken, msgspec.MsgspecError) as wrong:
            raise SecretsUnavailable(f"No key opens the secret of {place}.") from wrong
        if told.place != place:
            raise SecretsUnavailable(f"The secret of {place} was sealed for something else.")
        return told.secret

    def _fernet(self) -> Any:
        if not self._keys:
            raise SecretsUnavailable()
        try:
            from cryptography.fernet import Fernet, MultiFernet
        except ModuleNotFoundError as wrong:
            raise MissingExtra(
                "Secrets need the package 'cryptography', which is not installed.",
                remedy="pip install 'staging-core[secrets]'.",
            ) from wrong
        return MultiFernet([Fernet(key) for key in self._keys])
