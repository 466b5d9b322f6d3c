"""The secrets that endpoints' messages are signed with, sealed in their rows.

What seals them is the installation's ``secrets_key`` where there is one, else a key derived from
its ``secret_key`` (HKDF-SHA256, RFC 5869). Both open them, so a ``secrets_key`` may come later.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from functools import cached_property
from typing import TYPE_CHECKING

from staging_core.config import Settings
from staging_core.sealing import Seal

if TYPE_CHECKING:
    from staging_core.database.row import Row

_PURPOSE = b"staging-core webhook secrets"


class EndpointKeys:
    """Seals and opens endpoints' secrets; no key is read before the first."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def sealed(self, secret: str, endpoint_id: str) -> str:
        """The secret as the endpoint's row keeps it."""
        return self._seal.close(_place(endpoint_id), secret)

    def signing(self, endpoint: Row, now: float) -> list[str]:
        """The secrets that sign at ``now``, the newest first; ``SecretsUnavailable``."""
        found = [endpoint["secret"]]
        until = endpoint["previous_secret_until"]
        if endpoint["previous_secret"] is not None and until is not None and now < until:
            found.append(endpoint["previous_secret"])
        return [self._seal.open(_place(endpoint["id"]), sealed) for sealed in found]

    @cached_property
    def _seal(self) -> Seal:
        return Seal((*self._settings.secrets_key, _derived(self._settings.signing_key())))


def _place(endpoint_id: str) -> str:
    return f"webhook endpoint {endpoint_id}"


def _derived(key: str) -> str:
    """A Fernet key of 32 bytes: HKDF without salt, one block."""
    extracted = hmac.digest(bytes(32), key.encode(), hashlib.sha256)
    expanded = hmac.digest(extracted, _PURPOSE + b"\x01", hashlib.sha256)
    return base64.urlsafe_b64encode(expanded).decode()
