"""Who asks, and whether this very request was signed by them."""

from __future__ import annotations

import hmac
import re
from datetime import timedelta
from typing import NamedTuple

from .asked import Asked
from .clock import SKEW, ServerClock, moment
from .refusal import S3Refusal
from .signature import ALGORITHM, Scope, signature, text_to_sign

_HEADER = re.compile(
    rf"{ALGORITHM} Credential=(\S+?), ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{{64}})"
)
_IN_QUERY = ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")
_UNSIGNED = "UNSIGNED-PAYLOAD"
_WEEK_S = 604_800


class Keys(NamedTuple):
    """The one key pair that the server knows, and where it says that it stands."""

    key_id: str = "test-key"
    secret: str = "test-secret"  # noqa: S105
    region: str = "us-east-1"


class Authentication:
    """Refuses every request that was not signed as it came."""

    def __init__(self, keys: Keys, clock: ServerClock) -> None:
        self._keys = keys
        self._clock = clock

    def check(self, asked: Asked) -> None:
        """``S3Refusal`` unless the signature in the header or in the query is right and fresh."""
        in_query = any(name.startswith("X-Amz-") for name in asked.parameters)
        in_header = "authorization" in asked.headers
        if in_query and in_header:
            raise S3Refusal("InvalidArgument", "Only one auth mechanism allowed.")
        if in_header:
            self._check_header(asked)
        elif in_query:
            self._check_query(asked)
        elif "Signature" in asked.parameters:
            raise S3Refusal("InvalidRequest", f"Please use {ALGORITHM}.")
        else:
            raise S3Refusal("AccessDenied", "Anonymous requests are not allowed.")

    def check_signed(self, scope: Scope, text: str, given: str) -> None:
        """``S3Refusal`` unless ``given`` is the key's signature of ``text``."""
        if scope.key_id != self._keys.key_id:
            raise S3Refusal("InvalidAccessKeyId", "The access key does not exist.")
        if scope.region != self._keys.region:
            raise S3Refusal("AuthorizationHeaderMalformed", f"The region is {self._keys.region!r}.")
        if not hmac.compare_digest(signature(self._keys.secret, scope, text), given):
            raise S3Refusal("SignatureDoesNotMatch", "The signature does not match.")

    def _check_header(self, asked: Asked) -> None:
        found = _HEADER.fullmatch(asked.headers["authorization"])
        if found is None:
            raise S3Refusal("InvalidRequest", f"Please use {ALGORITHM}.")
        scope, signed = Scope.parse(found[1]), found[2].split(";")
        at = asked.headers.get("x-amz-date", "")
        if abs(self._clock.now() - moment(at)) > SKEW:
            raise S3Refusal("RequestTimeTooSkewed", "The clocks differ too much.")
        payload = _payload(asked)
        text = _text(asked, scope, at, signed, payload)
        self.check_signed(scope, text, found[3])
        if payload not in (_UNSIGNED, asked.body.sha256):
            raise S3Refusal("XAmzContentSHA256Mismatch", "The body is not what was signed.")

    def _check_query(self, asked: Asked) -> None:
        given = asked.parameters
        missing = [name for name in _IN_QUERY if f"X-Amz-{name}" not in given]
        expires = given.get("X-Amz-Expires", "")
        lasts = expires.isdecimal() and 1 <= int(expires) <= _WEEK_S
        if missing or not lasts or given["X-Amz-Algorithm"] != ALGORITHM:
            raise S3Refusal("AuthorizationQueryParametersError", "A parameter is missing or wrong.")
        began = moment(given["X-Amz-Date"])
        if began - SKEW > self._clock.now():
            raise S3Refusal("AccessDenied", "Request is not valid yet.")
        if began + timedelta(seconds=int(expires)) < self._clock.now():
            raise S3Refusal("AccessDenied", "Request has expired.")
        scope = Scope.parse(given["X-Amz-Credential"])
        signed = given["X-Amz-SignedHeaders"].split(";")
        text = _text(asked, scope, given["X-Amz-Date"], signed, _UNSIGNED)
        self.check_signed(scope, text, given["X-Amz-Signature"])


def _text(asked: Asked, scope: Scope, at: str, signed: list[str], payload: str) -> str:
    """What must have been signed; ``S3Refusal`` when it leaves out what it must not."""
    unsigned = {name for name in asked.headers if name.startswith("x-amz-")} - set(signed)
    if "host" not in signed or unsigned - {"x-amz-content-sha256"}:
        raise S3Refusal("AccessDenied", "There were headers present which were not signed.")
    if signed != sorted(set(signed)) or scope.date != at[:8]:
        raise S3Refusal("SignatureDoesNotMatch", "Headers out of order, or another day.")
    return text_to_sign(asked, scope, at, signed, payload)


def _payload(asked: Asked) -> str:
    payload = asked.headers.get("x-amz-content-sha256")
    if payload is None:
        raise S3Refusal("InvalidRequest", "Missing required header x-amz-content-sha256.")
    if payload.startswith("STREAMING-"):
        raise S3Refusal("NotImplemented", f"This server does not know {payload}.")
    return payload
