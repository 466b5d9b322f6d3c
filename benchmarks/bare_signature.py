"""The floor of ``presign``: signature version 4 for one bucket, with nothing around it.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html. The key of the day is
derived once.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from urllib.parse import quote, urlsplit


class BareSignature:
    """Signs addresses below ``base``, which ends in a slash."""

    def __init__(self, base: str, *, key_id: str, secret: str, region: str) -> None:
        where = urlsplit(base)
        self._origin, self._host = f"{where.scheme}://{where.netloc}", where.netloc
        self._path = where.path
        self._key_id, self._secret, self._region = key_id, secret, region
        self._day, self._scope, self._key = "", "", b""

    def put(self, key: str, headers: Mapping[str, str], *, expires_s: int) -> str:
        """Where an object may be put with these headers."""
        return self._signed("PUT", key, {}, headers, expires_s)

    def get(self, key: str, said: Mapping[str, str], *, expires_s: int) -> str:
        """Where it may be read; ``said``: what the answer says of it."""
        return self._signed("GET", key, said, {}, expires_s)

    def _signed(
        self,
        method: str,
        key: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        expires_s: int,
    ) -> str:
        at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        if not at.startswith(self._day or "-"):
            self._begin(at[:8])
        path = self._path + quote(key)
        named = {"host": self._host, **{name.lower(): value for name, value in headers.items()}}
        names = ";".join(sorted(named))
        asked = {
            **query,
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{self._key_id}/{self._scope}",
            "X-Amz-Date": at,
            "X-Amz-Expires": str(expires_s),
            "X-Amz-SignedHeaders": names,
        }
        line = "&".join(f"{name}={quote(asked[name], safe='')}" for name in sorted(asked))
        lines = [f"{name}:{named[name]}" for name in sorted(named)]
        canonical = "\n".join([method, path, line, *lines, "", names, "UNSIGNED-PAYLOAD"])
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{at}\n{self._scope}\n{digest}"
        signature = hmac.digest(self._key, text.encode(), "sha256").hex()
        return f"{self._origin}{path}?{line}&X-Amz-Signature={signature}"

    def _begin(self, day: str) -> None:
        self._day, self._scope = day, f"{day}/{self._region}/s3/aws4_request"
        key = f"AWS4{self._secret}".encode()
        for part in self._scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        self._key = key
