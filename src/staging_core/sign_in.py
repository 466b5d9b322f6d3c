"""Signing in: who a request is from, and the user they get at first sight."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import msgspec

from .database import accounts, audit_log, users
from .database.engine import Database, Transaction
from .database.row import Row
from .errors import AccountClosing, BadInput, Unauthorized
from .interfaces import Authenticator
from .models import Actor, Credentials, Identity, Principal, highest
from .models.principal import PERSONAL
from .recent import Recent

_LONGEST_ISSUER = 512
_LONGEST_SUBJECT = 255
_LONGEST = {"email": 320, "full_name": 255}


class SignIn:
    """Asks the authenticators in order, and gives a person a user in an account.

    An authenticator says whom it has verified; rows are made here, so that every authenticator,
    also a stranger's, gets the same: made once however many calls come first at one moment.
    """

    def __init__(
        self, database: Database, authenticators: Sequence[Authenticator], recent: Recent
    ) -> None:
        self._database = database
        self._recent = recent
        self.authenticators = tuple(authenticators)

    async def principal(self, credentials: Credentials) -> Principal | None:
        """Who it is, ready to act; None when no authenticator knows; ``Unauthorized``."""
        for authenticator in self.authenticators:
            found = await authenticator.authenticate(credentials)
            if found is not None:
                return found if found.identity is None else await self._user(found, found.identity)
        return None

    async def _user(self, found: Principal, identity: Identity) -> Principal:
        """The principal as our user; most calls only read, and of a burst of them only one."""
        asked = (found.account_id, found.role, frozenset(found.scopes), identity)
        known: Principal | None = self._recent.get(asked)
        if known is None:
            changes = self._recent.changes
            known = await self._looked_up(found, _checked(identity))
            self._recent.keep(asked, known, changes=changes)
        return msgspec.structs.replace(known, expires_at=found.expires_at)

    async def _looked_up(self, found: Principal, identity: Identity) -> Principal:
        account_id = _account(found, identity)
        async with self._database.read(account_id) as tx:
            row = await users.known_as(tx, account_id, identity)
            now = tx.now
        if row is None:
            row = await self._first_seen(account_id, identity)
        elif row["closing_at"] is not None:
            raise AccountClosing()
        elif news := _news(row, identity, now):
            async with self._database.write(account_id) as tx:
                await users.change(tx, account_id, row["id"], **news)
        return msgspec.structs.replace(
            found,
            account_id=account_id,
            user_id=row["id"],
            role=highest(found.role, row["role"]),
            identity=identity,
        )

    async def _first_seen(self, account_id: str, identity: Identity) -> Row:
        """Account and user, made unless they are there by now."""
        async with self._database.write(account_id) as tx:
            await accounts.ensure(tx, account_id)
            is_new = await users.add(tx, account_id, str(uuid4()), identity)
            row = await users.known_as(tx, account_id, identity)
            assert row is not None  # added above, or by whoever was faster
            if is_new:
                await _note(tx, account_id, row["id"], identity)
            if news := _news(row, identity, tx.now):
                await users.change(tx, account_id, row["id"], **news)
        return row


async def _note(tx: Transaction, account_id: str, user_id: str, identity: Identity) -> None:
    """In the audit log the user has signed in for the first time; who they are, their row says."""
    await audit_log.add(
        tx,
        "user.created",
        Actor(user_id=user_id, account_id=account_id),
        target=user_id,
        account_id=account_id,
        after={"issuer": identity.issuer},
    )


def _news(row: Row, identity: Identity, now: float) -> dict[str, Any]:
    """What is to be written: words of the issuer that are new, and now and then the time.

    What the user has written in the profile stays until the issuer says something else than before.
    """
    news: dict[str, Any] = {}
    if identity.email and identity.email != row["issuer_email"]:
        news |= {"issuer_email": identity.email, "email": identity.email, "updated_at": now}
    if identity.full_name and identity.full_name != row["issuer_name"]:
        news |= {"issuer_name": identity.full_name, "full_name": identity.full_name}
        news["updated_at"] = now
    if news or now - row["last_seen_at"] >= users.SEEN_EVERY_S:
        news["last_seen_at"] = now
    return news


def _account(found: Principal, identity: Identity) -> str:
    """The shared account that the authenticator names, else the person's own."""
    if not found.account_id:
        return personal_account(identity)
    if found.account_id.startswith(PERSONAL):
        raise Unauthorized("These credentials name an account that is somebody's own.")
    try:
        return accounts.check(found.account_id)
    except BadInput as wrong:
        raise Unauthorized(f"These credentials name an unusable account. {wrong}") from wrong


def personal_account(identity: Identity) -> str:
    """The id of a person's own account: the same at every sign-in, another for everybody else."""
    named = msgspec.json.encode((identity.issuer, identity.subject))
    return PERSONAL + hashlib.sha256(named).hexdigest()[:32]


def _checked(identity: Identity) -> Identity:
    """The identity as it can be kept; ``Unauthorized`` unless issuer and subject can."""
    for name, most in (("issuer", _LONGEST_ISSUER), ("subject", _LONGEST_SUBJECT)):
        if not users.is_plain(getattr(identity, name), most):
            raise Unauthorized(f"These credentials name no usable {name}.")
    told = {
        name: value if users.is_plain(value := getattr(identity, name), most) else None
        for name, most in _LONGEST.items()
    }
    return msgspec.structs.replace(identity, **told)
