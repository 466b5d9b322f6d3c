"""API keys of any account, as operators make and revoke them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from staging_core.api_keys import USUAL_SCOPES
from staging_core.database import accounts, api_keys, audit_log, users
from staging_core.database.engine import Transaction
from staging_core.errors import NotFound
from staging_core.key_making import check_key, make_key, revoke_key
from staging_core.models import (
    SCOPES,
    Actor,
    ApiKey,
    AuditAction,
    NewApiKey,
    Place,
    UserRole,
    checked_scopes,
)
from staging_core.models.principal import PERSONAL
from staging_core.ports import Ports


class Keys:
    """The first key of an installation where only keys let in, and any other, across accounts."""

    def __init__(self, ports: Ports, actor: Actor) -> None:
        self._ports = ports
        self._database = ports.database
        self._actor = actor

    async def create(
        self,
        name: str,
        *,
        account_id: str,
        user_id: str,
        role: UserRole | None = None,
        scopes: Collection[str] | None = None,
        expires_in_s: float | None = None,
    ) -> NewApiKey:
        """A new key of that user, who is made unless they are there, and so is the account.

        ``role``: granted to the user; None: they keep theirs, a new one is a member. ``scopes``:
        all that the key may do; None: the usual ones, with a ``role`` above member every one.
        ``expires_in_s``: as for ``keys.create`` of who acts. ``ValidationFailed``, ``BadInput``;
        ``NotFound`` for a new user in an account that is somebody's own; ``AccountClosing``.
        """
        check_key(name, expires_in_s)
        accounts.check(account_id)
        users.check(user_id)
        usual = SCOPES if role in ("admin", "operator") else USUAL_SCOPES
        granted = checked_scopes(usual if scopes is None else scopes)
        async with self._database.write(account_id) as tx:
            await self._user(tx, account_id, user_id, role)
            made = await make_key(
                tx,
                self._actor,
                account_id=account_id,
                user_id=user_id,
                name=name,
                scopes=granted,
                expires_at=None if expires_in_s is None else tx.now + expires_in_s,
            )
        self._ports.recent.forget()
        return made

    async def page(
        self,
        *,
        account_id: str | None = None,
        user_id: str | None = None,
        limit: int = 50,
        before: ApiKey | Place | None = None,
    ) -> list[ApiKey]:
        """Keys for which all that is given holds, newest first, also those that open nothing."""
        place = before.place if isinstance(before, ApiKey) else before
        async with self._database.read() as tx:
            return await api_keys.search(
                tx, account_id=account_id, user_id=user_id, before=place, limit=limit
            )

    async def revoke(self, key_id: str) -> ApiKey:
        """The key, and those made with it, open nothing from now on; ``NotFound``.

        Doing it again changes nothing.
        """
        async with self._database.read() as tx:
            found = await api_keys.search(tx, key_id=key_id, limit=1)
        if not found:
            raise NotFound(f"There is no API key {key_id}.")
        (key,) = found
        async with self._database.write(key.account_id) as tx:
            key = await api_keys.get(tx, key.account_id, key.id, user_id=None)
            await revoke_key(tx, self._actor, key)
            revoked = await api_keys.get(tx, key.account_id, key.id, user_id=None)
        self._ports.recent.forget()
        return revoked

    @property
    def are_taken(self) -> bool:
        """Whether the setting `auth` lets anybody in with a key."""
        return any(str(choice).startswith("keys:") for choice in self._ports.settings.auth)

    async def are_missing(self) -> bool:
        """Whether nobody can enter: `auth` lets in with keys only, and no key opens anything."""
        if not all(str(choice).startswith("keys:") for choice in self._ports.settings.auth):
            return False
        async with self._database.read() as tx:
            return not await api_keys.any_opens(tx)

    async def _user(
        self, tx: Transaction, account_id: str, user_id: str, role: UserRole | None
    ) -> None:
        row = await users.get(tx, account_id, user_id)
        if row is None and account_id.startswith(PERSONAL):
            raise NotFound(
                f"There is no user {user_id} in {account_id}, which is somebody's own account.",
                remedy="`staging users list` has them; choose another account for a new user.",
            )
        await accounts.ensure(tx, account_id)
        if row is None and await users.add(tx, account_id, user_id):
            await self._tell(tx, "user.created", account_id, user_id, after={"issuer": None})
        row = await users.get(tx, account_id, user_id, lock=True)
        assert row is not None  # added above, or by whoever was faster
        if role is not None and role != row["role"]:
            await users.change(tx, account_id, user_id, role=role, updated_at=tx.now)
            before, after = {"role": row["role"]}, {"role": role}
            await self._tell(tx, "role.granted", account_id, user_id, before=before, after=after)

    async def _tell(
        self, tx: Transaction, action: AuditAction, account_id: str, user_id: str, **change: Any
    ) -> None:
        await audit_log.add(
            tx, action, self._actor, target=user_id, account_id=account_id, **change
        )
