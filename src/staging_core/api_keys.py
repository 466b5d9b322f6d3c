"""The API keys of the acting user, and for admins those of the account."""

from __future__ import annotations

from collections.abc import Collection

from .creation import Creation, creating
from .database import api_keys
from .database.engine import Transaction
from .errors import AlreadyCreated, Unauthorized
from .key_making import check_key, make_key, revoke_key
from .models import Actor, ApiKey, NewApiKey, Place, Principal, check_role, check_scope
from .models.scope import grantable_scopes
from .ports import Ports
from .profile import ensure_user
from .scoped import needs

USUAL_SCOPES = ("images:read", "images:write", "events:read")
"""What a program needs that has photos furnished."""


class ApiKeys:
    """Keys with which programs sign in as the user who made them, where ``keys:`` is open."""

    def __init__(self, ports: Ports, principal: Principal, actor: Actor) -> None:
        self._ports = ports
        self._database = ports.database
        self._recent = ports.recent
        self._principal = principal
        self._account_id = principal.account_id
        self._actor = actor

    @needs("keys:write")
    async def create(
        self,
        name: str,
        *,
        scopes: Collection[str] = USUAL_SCOPES,
        expires_in_s: float | None = None,
        idempotency_key: str | None = None,
    ) -> NewApiKey:
        """A new key, which is shown this once: only its hash is kept.

        ``name``: for people, up to 255 characters. ``scopes``: all that it may do.
        ``expires_in_s``: seconds after which it opens nothing, at most ten years; None: never.
        Made with a key, it ends with that key at the latest, also when that is revoked.
        ``ValidationFailed``; ``Forbidden`` for a scope that the maker lacks. A repeat under the
        same ``idempotency_key`` is ``AlreadyCreated``, with the key's id.
        """
        check_key(name, expires_in_s)
        granted = grantable_scopes(self._principal, scopes)
        asked = [name, sorted(granted), expires_in_s]
        async with creating(
            self._ports, self._account_id, idempotency_key, route="keys.create", asked=asked
        ) as creation:
            if creation.created is not None:
                raise AlreadyCreated(id=creation.created[0])
            return await self._create(name, granted, expires_in_s, creation)

    async def _create(
        self,
        name: str,
        granted: Collection[str],
        expires_in_s: float | None,
        creation: Creation,
    ) -> NewApiKey:
        async with self._database.write(self._account_id) as tx:
            await ensure_user(tx, self._principal)
            ends = [] if expires_in_s is None else [tx.now + expires_in_s]
            maker = await self._maker(tx)
            if maker is not None and maker.expires_at is not None:
                ends.append(maker.expires_at)
            made = await make_key(
                tx,
                self._actor,
                account_id=self._account_id,
                user_id=self._principal.user_id,
                name=name,
                scopes=granted,
                expires_at=min(ends, default=None),
                made_by=None if maker is None else maker.id,
            )
            await creation.keep(tx, [made.key.id])
        return made

    async def _maker(self, tx: Transaction) -> ApiKey | None:
        """The key that acts; it cannot end before the new one is there. None: a person acts."""
        if self._principal.key_id is None:
            return None
        maker = await api_keys.hold(tx, self._account_id, self._principal.key_id)
        if maker is None:
            raise Unauthorized("The key that this was asked with opens nothing any more.")
        return maker

    @needs("keys:write")
    async def page(
        self, *, everybodys: bool = False, limit: int = 50, before: ApiKey | Place | None = None
    ) -> list[ApiKey]:
        """The user's keys, newest first, also those that open nothing any more.

        ``everybodys``: all keys of the account, for admins (``Forbidden``). ``before``: the last
        one of the page before, or its place.
        """
        if everybodys:
            check_role(self._principal, "admin")
            check_scope(self._principal, "account:admin")
        place = before.place if isinstance(before, ApiKey) else before
        user_id = None if everybodys else self._principal.user_id
        async with self._database.read(self._account_id) as tx:
            return await api_keys.page(
                tx, self._account_id, user_id=user_id, before=place, limit=limit
            )

    @needs("keys:write")
    async def revoke(self, key_id: str) -> ApiKey:
        """The key opens nothing from now on, nor do those made with it.

        Doing it again changes nothing.

        One's own, or as an admin any of the account; ``NotFound`` for all others.
        """
        whose = None if self._looks_after_all else self._principal.user_id
        async with self._database.write(self._account_id) as tx:
            key = await api_keys.get(tx, self._account_id, key_id, user_id=whose)
            await revoke_key(tx, self._actor, key)
            revoked = await api_keys.get(tx, self._account_id, key_id, user_id=whose)
        self._recent.forget()
        return revoked

    @property
    def _looks_after_all(self) -> bool:
        return self._principal.has_role("admin") and self._principal.may("account:admin")
