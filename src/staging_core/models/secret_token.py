"""The form of the secrets that are handed out: API keys and tickets.

A prefix, which secret scanners know, 32 random characters (190 bits), and six that check them, so
that a mistyped or made-up one is told apart without asking the database. Only a hash is kept: with
so much chance in it, nobody finds a token by trying, and a slow hash would add nothing.
"""

from __future__ import annotations

import hashlib
import secrets
import string
import zlib

KEY_PREFIX = "sk_stg_"
TICKET_PREFIX = "tk_stg_"
_LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM = 32
_CHECK = 6
_SHOWN = 4


def new_token(prefix: str) -> str:
    """A token that nobody has; it is to be shown once."""
    chance = "".join(secrets.choice(_LETTERS) for _ in range(_RANDOM))
    return f"{prefix}{chance}{_checksum(prefix + chance)}"


def is_whole(token: str, prefix: str) -> bool:
    """Whether it has the form of ``new_token(prefix)``, its last characters included."""
    head, check = token[:-_CHECK], token[-_CHECK:]
    chance = head.removeprefix(prefix)
    right_length = len(chance) == _RANDOM and len(head) == len(prefix) + _RANDOM
    return right_length and set(chance) <= set(_LETTERS) and check == _checksum(head)


def digest_of(token: str) -> str:
    """What is kept of it: SHA-256, as 64 hexadecimal digits."""
    return hashlib.sha256(token.encode()).hexdigest()


def shown_part(token: str, prefix: str) -> str:
    """How it begins, to tell keys apart in a list; the rest still has 166 bits."""
    return token[: len(prefix) + _SHOWN]


def _checksum(text: str) -> str:
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(_CHECK):
        number, digit = divmod(number, len(_LETTERS))
        digits = _LETTERS[digit] + digits
    return digits
