"""The acting principal's account as a whole."""

from __future__ import annotations

from collections.abc import AsyncIterator

from staging_core.account_closing import close_account
from staging_core.account_export import export
from staging_core.database import accounts, audit_log
from staging_core.errors import ValidationFailed
from staging_core.models import Actor, Principal, check_role
from staging_core.ports import Ports
from staging_core.scoped import needs


class Account:
    """For admins of the account; in one that is a person's own, for that person."""

    def __init__(self, ports: Ports, principal: Principal, actor: Actor) -> None:
        self._ports = ports
        self._principal = principal
        self._actor = actor

    @needs("account:admin")
    async def export(self) -> AsyncIterator[bytes]:
        """All rows and pictures of the account as a zip file, in chunks; ``Forbidden``."""
        account_id = self._checked()
        async with self._ports.database.write(account_id) as tx:
            await accounts.ensure(tx, account_id)
            await audit_log.add(
                tx, "account.exported", self._actor, target=account_id, account_id=account_id
            )
        return export(self._ports, account_id)

    @needs("account:admin")
    async def delete(self, *, confirm: str) -> float:
        """Delete the account and everything in it; since when (Unix seconds) that goes on.

        ``confirm``: the account's id, or nothing is done (``ValidationFailed``). From now on nobody
        signs in to it, its keys open nothing, and nothing new is accepted; sweeps do the rest. Who
        signs in after that gets a new, empty account. ``Forbidden`` as for ``export``.
        """
        account_id = self._checked()
        if confirm != account_id:
            raise ValidationFailed(fields={"confirm": "is not the id of this account."})
        return await close_account(self._ports, account_id, self._actor)

    def _checked(self) -> str:
        account_id = accounts.check(self._principal.account_id)
        check_role(self._principal, "admin")
        return account_id
