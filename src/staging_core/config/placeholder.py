"""What stands in examples in place of a secret, and protects nothing when it is left there."""

from __future__ import annotations

import re

from staging_core.errors import SettingError

_BEGIN = ("changeme", "yoursecret", "atleastsixteenrandomcharacters")
_END = "example"
_WHOLE = ("password", "secret", "secretkey", "token", "r8token")


def is_placeholder(secret: str) -> bool:
    """Whether it is one that documentation and examples use, however it is written."""
    letters = re.sub(r"[^a-z0-9]", "", secret.lower())
    return letters.startswith(_BEGIN) or letters.endswith(_END) or letters in _WHOLE


def check_secret(secret: str | None, source: str) -> None:
    """``SettingError`` names ``source`` where an example's secret was left as it is."""
    if secret is not None and is_placeholder(secret):
        raise SettingError(
            f"{source} is still what an example says, which everybody knows.",
            remedy="Make one: python -c 'import secrets; print(secrets.token_urlsafe(32))', or "
            "take the one that its service gave you.",
        )
