"""What an S3 service says when it refuses."""

from __future__ import annotations

from xml.sax.saxutils import escape

_STATUS = {
    "AuthorizationHeaderMalformed": 400,
    "AuthorizationQueryParametersError": 400,
    "BadDigest": 400,
    "EntityTooLarge": 400,
    "EntityTooSmall": 400,
    "InvalidArgument": 400,
    "InvalidPolicyDocument": 400,
    "InvalidRequest": 400,
    "MalformedPOSTRequest": 400,
    "XAmzContentSHA256Mismatch": 400,
    "MissingContentLength": 411,
    "InternalError": 500,
    "NotImplemented": 501,
    "SlowDown": 503,
    "XMinioStorageFull": 507,
}


class S3Refusal(Exception):
    """A request is refused with ``code``, S3's word for the reason."""

    def __init__(self, code: str, message: str, *, status: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.status = status or _STATUS.get(code, 403)
        self.message = message

    def xml(self) -> bytes:
        """The body of the answer."""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{self.code}</Code><Message>{escape(self.message)}</Message></Error>"
        ).encode()
