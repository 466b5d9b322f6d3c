"""Signed addresses of our own, for storages that sign none: whoever has one may reach one object.

An address is ``BASE/api/v1/objects/KEY?...``. The signature (HMAC-SHA256) is over the method, the
key and everything in the query, so that nothing of it can be changed and none serves for another
object, method, type or size.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote, urlencode

import msgspec

from .errors import AddressRefused
from .models import DownloadGrant, UploadGrant, UploadTicket

OBJECTS_PATH = "/api/v1/objects/"
"""Where objects are served, after the base; the rest of the path is the key."""

_PURPOSE = b"staging-core signed addresses 1"
_PARTS = ("expires", "type", "size", "cache", "name")
_DIGITS = 16


class OwnAddresses:
    """Signs and verifies with a key derived from the installation's. ``repr`` shows none."""

    def __init__(self, secret_key: str) -> None:
        self._key = hmac.digest(secret_key.encode(), _PURPOSE, hashlib.sha256)

    def upload(self, base: str, grant: UploadGrant, *, now: float) -> UploadTicket:
        """A file of exactly ``grant.max_bytes`` bytes, as a PUT or, where so granted, as a form.

        ``base``: of the address, may be empty.
        """
        parts = {
            "expires": f"{now + grant.expires_s:.0f}",
            "type": grant.content_type,
            "size": str(grant.max_bytes),
            "cache": grant.cache_control or "",
        }
        said = {"Content-Type": grant.content_type}
        if grant.cache_control is not None:
            said["Cache-Control"] = grant.cache_control
        method = _method(form=grant.form)
        url = self._signed(base, method, grant.key, parts)
        told = {"fields": said} if grant.form else {"headers": said}
        return UploadTicket(url=url, method=method, **told)

    def download(self, base: str, grant: DownloadGrant, *, now: float) -> str:
        """A GET."""
        parts = {
            "expires": f"{now + grant.expires_s:.0f}",
            "type": grant.content_type or "",
            "name": grant.filename or "",
        }
        return self._signed(base, "GET", grant.key, parts)

    def check_upload(
        self, key: str, query: Mapping[str, str], *, now: float, form: bool = False
    ) -> UploadGrant:
        """What may be put there, ``form``: as a form; ``AddressRefused``."""
        expires = self._checked(_method(form=form), key, query, now)
        return UploadGrant(
            key=key,
            content_type=query.get("type", ""),
            max_bytes=int(query.get("size", "0")),
            expires_s=expires - now,
            cache_control=query.get("cache") or None,
            form=form,
        )

    def check_download(self, key: str, query: Mapping[str, str], *, now: float) -> DownloadGrant:
        """What may be read there, and what is said of it; ``AddressRefused``."""
        expires = self._checked("GET", key, query, now)
        return DownloadGrant(
            key=key,
            expires_s=expires - now,
            content_type=query.get("type") or None,
            filename=query.get("name") or None,
        )

    def _signed(self, base: str, method: str, key: str, parts: Mapping[str, str]) -> str:
        said = {name: value for name, value in parts.items() if value}
        said["signature"] = self._signature(method, key, said)
        return f"{base}{OBJECTS_PATH}{quote(key)}?{urlencode(said, quote_via=quote)}"

    def _checked(self, method: str, key: str, query: Mapping[str, str], now: float) -> float:
        given = query.get("signature", "").encode()
        if not hmac.compare_digest(given, self._signature(method, key, query).encode()):
            raise AddressRefused()
        expires = float(query.get("expires", "0")[:_DIGITS])  # ours, since the signature is
        if expires <= now:
            raise AddressRefused("This signed address has expired.")
        return expires

    def _signature(self, method: str, key: str, query: Mapping[str, str]) -> str:
        said = [method, key, *(query.get(name, "") for name in _PARTS)]
        digest = hmac.digest(self._key, msgspec.json.encode(said), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _method(*, form: bool) -> str:
    return "POST" if form else "PUT"
