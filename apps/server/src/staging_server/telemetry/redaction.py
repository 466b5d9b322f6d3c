"""What must never stand in a log, whoever wrote it there."""

from __future__ import annotations

import re

_HIDDEN = "***"
_SECRETS = re.compile(
    r"""
      (?P<scheme>\b[a-z][a-z0-9+.-]*://[^/\s:@'"]*:)[^@/\s'"]+(?=@)  # a password in a URL
    | (?P<bearer>\b(?:bearer|basic|token)\s+)[\w.~+/=-]{8,}  # credentials
    | (?P<query>[?&](?:x-amz-[a-z-]+|sig|signature|token|ticket|key|secret|policy)=)[^&\s'"]+
    | (?P<named>\b[\w-]*(?:secret|password|token|api_?key)["']?\s*[:=]\s*["']?)[^\s'",;&}]{6,}
    | \bsk_(?:stg|live|test)_\w+ | \br8_\w{8,} | \bwhsec_[\w+/=]+ | \brk_(?:live|test)_\w+
    | \bAKIA[A-Z0-9]{12,}
    | \beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*                                       # a JSON web token
    """,
    re.IGNORECASE | re.VERBOSE,
)


def redacted(text: str) -> str:
    """``text`` without tokens, keys, passwords and signatures; what stands before them stays."""
    return _SECRETS.sub(_hide, text)


def _hide(found: re.Match[str]) -> str:
    before = next((part for part in found.groups() if part), "")
    return before + _HIDDEN
