"""What a token says of itself before anything of it is believed."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

import msgspec

_LONGEST = 16_384
_FORM = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]*")


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """Header and payload as far as they say who shall judge the token. Nothing is verified.

    ``plain``: its header says nothing that must be understood and is not.
    """

    issuer: str
    algorithm: str
    kid: str | None
    plain: bool

    @classmethod
    def read(cls, text: str | None) -> Token | None:
        """None for what is no signed token (RFC 7519, RFC 7515) that names an issuer."""
        matched = _FORM.fullmatch(text) if text is not None and len(text) <= _LONGEST else None
        if matched is None:
            return None
        header, payload = _object(matched[1]), _object(matched[2])
        if header is None or payload is None or not isinstance(payload.get("iss"), str):
            return None
        algorithm, kid = header.get("alg"), header.get("kid")
        return cls(
            issuer=payload["iss"],
            algorithm=algorithm if isinstance(algorithm, str) else "",
            kid=kid if isinstance(kid, str) else None,
            plain="crit" not in header and ("kid" not in header or isinstance(kid, str)),
        )


def _object(part: str) -> dict[str, Any] | None:
    try:
        plain = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        return msgspec.json.decode(plain, type=dict[str, Any])
    except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError):
        return None
