"""Who pays for an account, as its first user's profile says."""

from __future__ import annotations

import msgspec


class Face(msgspec.Struct, frozen=True, kw_only=True):
    """What a payment provider is told of a customer; None: nobody has said so.

    ``address``: lines of a billing address by their names, such as ``line1``, ``city``,
    ``postal_code``, ``state`` and ``country`` (ISO 3166-1, two letters).
    """

    email: str | None = None
    name: str | None = None
    address: dict[str, str] | None = None
