"""Leave to reach one object without us, for a while."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class UploadGrant(msgspec.Struct, frozen=True, kw_only=True):
    """What may be uploaded: one object under ``key``.

    ``content_type`` and ``cache_control`` are signed, so the client must send exactly these.
    ``max_bytes``: the largest size, which only a form can hold a client to. ``expires_s``: seconds
    from now, at most a week. ``form``: a form upload (POST policy), ended by the field ``file``.
    """

    key: str
    content_type: str
    max_bytes: int
    expires_s: float = 900.0
    cache_control: str | None = None
    form: bool = False


class UploadTicket(msgspec.Struct, frozen=True, kw_only=True):
    """How the client uploads: ``method`` to ``url`` with ``headers``; a POST also with ``fields``.

    ``repr`` shows no signature.
    """

    url: str
    method: str = "PUT"
    headers: Mapping[str, str] = {}
    fields: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"UploadTicket({self.method} {self.url.partition('?')[0]})"


class DownloadGrant(msgspec.Struct, frozen=True, kw_only=True):
    """What may be downloaded: the object under ``key``, for ``expires_s`` seconds from now,
    at most a week.

    ``content_type`` and ``filename`` (attachment) are what the answer will say of it.
    """

    key: str
    expires_s: float = 3600.0
    content_type: str | None = None
    filename: str | None = None
