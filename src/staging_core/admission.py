"""Whether those who were let in may go on: their account, key, token, and what they follow.

Of very many at once, each kind in statements of a few hundred.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping

import msgspec

from .database import accounts, api_keys, images, projects
from .database.engine import Database, Transaction
from .database.streams import Scope
from .errors import AccountClosing, NotFound, StagingError, Unauthorized

_AT_ONCE = 500


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """What still is there of what was asked for, at the moment ``now`` (Unix seconds).

    ``accounts``: with since when each is being deleted, if it is. ``keys``: those that open
    something.
    """

    accounts: Mapping[str, float | None]
    keys: frozenset[str]
    projects: frozenset[str]
    images: frozenset[str]
    groups: frozenset[str]
    now: float

    def refusal(
        self, scope: Scope, key_id: str | None, expires_at: float | None, *, was_there: bool
    ) -> type[StagingError] | None:
        """What a new attempt to follow ``scope`` would get; None: it would be let in.

        ``was_there``: whether the account has been seen; one that has not may still be to come.
        """
        if key_id is not None and key_id not in self.keys:
            return Unauthorized
        if expires_at is not None and expires_at <= self.now:
            return Unauthorized
        is_gone = was_there and scope.account_id not in self.accounts
        if is_gone or self.accounts.get(scope.account_id) is not None:
            return AccountClosing
        followed = (
            (scope.project_id, self.projects),
            (scope.image_id, self.images),
            (scope.group_id, self.groups),
        )
        if any(each is not None and each not in there for each, there in followed):
            return NotFound
        return None


async def admitted(
    database: Database,
    *,
    account_ids: Collection[str],
    key_ids: Collection[str],
    scopes: Collection[Scope],
) -> Admitted:
    """Look all of them up, in one transaction. ``scopes``: what is followed."""
    async with database.read() as tx:
        closing = await accounts.closing_among(tx, account_ids)
        return Admitted(
            accounts=closing,
            keys=await _among(tx, api_keys.open_among, key_ids),
            projects=await _among(
                tx, projects.there_among, {each.project_id for each in scopes if each.project_id}
            ),
            images=await _among(
                tx, images.there_among, {each.image_id for each in scopes if each.image_id}
            ),
            groups=await _among(
                tx, images.groups_among, {each.group_id for each in scopes if each.group_id}
            ),
            now=tx.now,
        )


async def _among(
    tx: Transaction,
    look: Callable[[Transaction, Collection[str]], Awaitable[set[str]]],
    ids: Collection[str],
) -> frozenset[str]:
    found: set[str] = set()
    every = list(ids)
    for start in range(0, len(every), _AT_ONCE):
        found |= await look(tx, every[start : start + _AT_ONCE])
    return frozenset(found)
