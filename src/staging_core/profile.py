"""The acting user's own profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .database import accounts, customers, users
from .database.engine import Transaction
from .database.row import Row
from .models import Principal, Profile, highest
from .ports import Ports
from .profile_change import changed
from .scoped import needs

_STRIPE = "stripe"  # the only provider whose customers old clients know


class OwnProfile:
    """What the user tells of themselves. A user that the host names gets a row here, when asked."""

    def __init__(self, ports: Ports, principal: Principal) -> None:
        self._database = ports.database
        self._principal = principal
        self._account_id = principal.account_id

    @needs("profile:read")
    async def get(self) -> Profile:
        """The profile as it stands."""
        user_id = users.check(self._principal.user_id)
        async with self._database.read(self._account_id) as tx:
            row = await users.get(tx, self._account_id, user_id)
            customer_id = await customers.customer_of(tx, self._account_id, _STRIPE)
        if row is None:
            async with self._database.write(self._account_id) as tx:
                row = await ensure_user(tx, self._principal)
        return self._profile(row, customer_id)

    @needs("profile:write")
    async def patch(self, changes: Mapping[str, Any]) -> Profile:
        """The profile after the changes (a JSON merge patch, RFC 7396): only what they name.

        ``email``, ``full_name``, ``company_name``, ``phone`` and ``profile_photo_url`` are texts,
        ``billing_address`` an object of texts, ``preferences`` any object of up to 16 KiB and ten
        levels. ``null`` clears. ``ValidationFailed`` names each wrong field; then nothing changes.
        """
        async with self._database.write(self._account_id) as tx:
            row = await ensure_user(tx, self._principal)
            if values := changed(row, changes):
                values["updated_at"] = tx.now
                await users.change(tx, self._account_id, self._principal.user_id, **values)
            customer_id = await customers.customer_of(tx, self._account_id, _STRIPE)
        return self._profile({**row, **values}, customer_id)

    def _profile(self, row: Mapping[Any, Any], customer_id: str | None) -> Profile:
        values = {name: row[name] for name in Profile.__struct_fields__}
        values["stripe_customer_id"] = customer_id
        return Profile(**{**values, "role": highest(self._principal.role, row["role"])})


async def ensure_user(tx: Transaction, principal: Principal) -> Row:
    """The principal's row, made unless it is there, and held until the transaction ends."""
    account_id, user_id = accounts.check(principal.account_id), users.check(principal.user_id)
    row = await users.get(tx, account_id, user_id, lock=True)
    if row is None:
        await accounts.ensure(tx, account_id)
        await users.add(tx, account_id, user_id)
        row = await users.get(tx, account_id, user_id, lock=True)
    assert row is not None  # added above, or by whoever was faster
    return row
