"""Signature version 4, as AWS describes it.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import quote, unquote

from .asked import Asked, pairs
from .refusal import S3Refusal

ALGORITHM = "AWS4-HMAC-SHA256"


class Scope(NamedTuple):
    """For which day and region a key signs."""

    key_id: str
    date: str
    region: str
    service: str
    end: str

    @classmethod
    def parse(cls, credential: str) -> Scope:
        """``ID/20250101/us-east-1/s3/aws4_request``."""
        parts = credential.split("/")
        if len(parts) != 5 or parts[3:] != ["s3", "aws4_request"]:
            raise S3Refusal("AuthorizationHeaderMalformed", "The credential is malformed.")
        return cls(*parts)


def signature(secret: str, scope: Scope, text: str) -> str:
    """``text``, signed with the key that belongs to the scope."""
    key = f"AWS4{secret}".encode()
    for part in scope[1:]:
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def text_to_sign(asked: Asked, scope: Scope, at: str, signed: Iterable[str], payload: str) -> str:
    """What the client must have signed for this very request."""
    canonical = "\n".join(
        [
            asked.method,
            quote(unquote(asked.path), safe="/-._~"),
            _query(asked.query),
            *(f"{name}:{_header(asked, name)}" for name in signed),
            "",
            ";".join(signed),
            payload,
        ]
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return "\n".join([ALGORITHM, at, "/".join(scope[1:]), digest])


def _query(query: str) -> str:
    encoded = sorted(
        (quote(name, safe="-._~"), quote(value, safe="-._~"))
        for name, value in pairs(query)
        if name != "X-Amz-Signature"
    )
    return "&".join(f"{name}={value}" for name, value in encoded)


def _header(asked: Asked, name: str) -> str:
    if name not in asked.headers:
        raise S3Refusal("SignatureDoesNotMatch", f"The signed header {name} was not sent.")
    return " ".join(asked.headers[name].split())
