"""What an account has to pay now."""

from __future__ import annotations

import msgspec


class Payable(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription that was begun or changed, by the provider's id of it.

    ``client_secret``: with which the provider's own form pays or confirms it; secret, kept nowhere.
    None: there is nothing to pay now.
    """

    subscription_id: str
    client_secret: str | None = None

    def __repr__(self) -> str:
        return f"Payable({self.subscription_id})"
