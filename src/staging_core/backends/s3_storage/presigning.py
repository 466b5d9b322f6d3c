"""Addresses and forms that let others reach one object for a while (signature version 4)."""

from __future__ import annotations

import math
import re
from typing import Any
from urllib.parse import quote

from staging_core.errors import StorageError
from staging_core.models import DownloadGrant, UploadGrant, UploadTicket, check_key

from .failure import explained
from .location import Location

_WEEK_S = 7 * 24 * 3600  # what the signature allows


async def put_ticket(client: Any, location: Location, grant: UploadGrant) -> UploadTicket:
    """A PUT; beyond type and cache control it signs nothing, since old clients send no more."""
    headers = _headers(grant)
    names = {"Content-Type": "ContentType", "Cache-Control": "CacheControl"}
    signed = {names[name]: value for name, value in headers.items()}
    with explained(check_key(grant.key)):
        url = await client.generate_presigned_url(
            "put_object",
            Params={**location.object(grant.key), **signed},
            ExpiresIn=_expiry(grant.expires_s),
            HttpMethod="PUT",
        )
    return UploadTicket(url=url, method="PUT", headers=headers)


async def form_ticket(client: Any, location: Location, grant: UploadGrant) -> UploadTicket:
    """A form whose policy also bounds the size; encryption is asked for as at every put."""
    names = {
        "ServerSideEncryption": "x-amz-server-side-encryption",
        "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
    }
    encryption = {names[name]: value for name, value in location.encryption.items()}
    fields = {**_headers(grant), **encryption}
    with explained(check_key(grant.key)):
        form = await client.generate_presigned_post(
            location.bucket,
            location.name(grant.key),
            Fields=dict(fields),
            Conditions=[
                *({name: value} for name, value in fields.items()),
                ["content-length-range", 1, grant.max_bytes],
            ],
            ExpiresIn=_expiry(grant.expires_s),
        )
    return UploadTicket(url=form["url"], method="POST", fields=form["fields"])


async def download_url(client: Any, location: Location, grant: DownloadGrant) -> str:
    """A GET whose answer says of the object what the grant says."""
    said = {}
    if grant.content_type is not None:
        said["ResponseContentType"] = grant.content_type
    if grant.filename is not None:
        said["ResponseContentDisposition"] = attachment(grant.filename)
    with explained(check_key(grant.key)):
        url: str = await client.generate_presigned_url(
            "get_object",
            Params={**location.object(grant.key), **said},
            ExpiresIn=_expiry(grant.expires_s),
        )
    return url


def attachment(filename: str) -> str:
    """A Content-Disposition (RFC 6266): plain for old clients, and whole in UTF-8."""
    plain = re.sub(r"[^ !#-\[\]-~]", "_", filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def _headers(grant: UploadGrant) -> dict[str, str]:
    headers = {"Content-Type": grant.content_type}
    if grant.cache_control is not None:
        headers["Cache-Control"] = grant.cache_control
    return headers


def _expiry(expires_s: float) -> int:
    if not 0 < expires_s <= _WEEK_S:
        raise StorageError(
            f"An address cannot be signed for {expires_s:g} seconds.",
            remedy="Grant more than nothing and at most a week.",
        )
    return math.ceil(expires_s)
