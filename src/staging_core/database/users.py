"""Users: one row for one person in one account."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from staging_core.errors import BadInput
from staging_core.models import Identity, User, UserRole

from .engine import Transaction
from .row import Row
from .tables import accounts, users
from .upsert import insert_or

SEEN_EVERY_S = 60.0
"""How often it is written down that a user is still there."""


def is_plain(value: object, most: int) -> bool:
    """Whether it is a text of 1 to ``most`` characters, all of which can be seen and stored."""
    return isinstance(value, str) and 0 < len(value) <= most and value.isprintable()


def check(user_id: str) -> str:
    """The id itself; ``BadInput`` unless it is 1..255 characters that can be seen."""
    if not is_plain(user_id, 255):
        raise BadInput("A user id is 1 to 255 visible characters.")
    return user_id


async def known_as(tx: Transaction, account_id: str, identity: Identity) -> Row | None:
    """The user in that account whom the issuer knows by that subject.

    With ``closing_at``: since when the account is being deleted.
    """
    account = accounts.c.id == users.c.account_id
    return await tx.row(
        sa.select(users, accounts.c.closing_at)
        .join(accounts, account)
        .where(
            users.c.account_id == account_id,
            users.c.issuer == identity.issuer,
            users.c.subject == identity.subject,
        )
    )


async def get(tx: Transaction, account_id: str, user_id: str, *, lock: bool = False) -> Row | None:
    """The account's user; ``lock``: nobody else changes them until this transaction ends."""
    query = sa.select(users).where(users.c.account_id == account_id, users.c.id == user_id)
    return await tx.row(query.with_for_update() if lock else query)


async def add(
    tx: Transaction, account_id: str, user_id: str, identity: Identity | None = None
) -> bool:
    """Make the user; False when somebody was faster."""
    statement = insert_or(tx.connection, users).values(
        account_id=account_id,
        id=user_id,
        issuer=identity and identity.issuer,
        subject=identity and identity.subject,
        created_at=tx.now,
        updated_at=tx.now,
        last_seen_at=tx.now,
    )
    made = await tx.execute(statement.on_conflict_do_nothing())
    return made.rowcount == 1


async def change(tx: Transaction, account_id: str, user_id: str, **values: Any) -> None:
    """Set these columns of the user."""
    await tx.execute(
        sa.update(users)
        .where(users.c.account_id == account_id, users.c.id == user_id)
        .values(**values)
    )


async def search(
    tx: Transaction,
    *,
    user_id: str | None = None,
    account_id: str | None = None,
    email: str | None = None,
    role: UserRole | None = None,
    before: tuple[float, str] | None = None,
    limit: int = 50,
) -> list[User]:
    """Users of any account for whom all that is given holds, newest first."""
    equal = {
        users.c.id: user_id,
        users.c.account_id: account_id,
        users.c.email: email,
        users.c.role: role,
    }
    query = sa.select(*(users.c[name] for name in User.__struct_fields__)).where(
        *(column == value for column, value in equal.items() if value is not None)
    )
    if before is not None:
        query = query.where(sa.tuple_(users.c.created_at, users.c.id) < sa.tuple_(*before))
    newest = query.order_by(users.c.created_at.desc(), users.c.id.desc()).limit(limit)
    return [User(**row) for row in await tx.rows(newest)]
