"""Calls that create, made safe to repeat: an idempotency key names what it created.

What is kept is the ids, written in the transaction that creates, never an answer. A call that fails
gives its key back; one whose process died is overtaken when its time is over.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import msgspec

from .database import accounts, creations
from .database.engine import Transaction
from .database.row import Row
from .errors import (
    CreatedThenDeleted,
    DatabaseFailed,
    IdempotencyMismatch,
    InvalidIdempotencyKey,
    NotFound,
)
from .ports import Ports

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_LEASE_S = 60.0


class Creation:
    """One call under a key. ``created``: what an earlier one has created, None if this one will."""

    def __init__(self, account_id: str, key: str | None, fingerprint: str) -> None:
        self.created: list[Any] | None = None
        self.lease = 0.0
        self._account_id = account_id
        self._key = key
        self._fingerprint = fingerprint
        self._earlier = creations.UNTOLD
        self._kept = self._instead = False

    @property
    def is_open(self) -> bool:
        """Whether the key is held and nothing is kept under it."""
        return self._key is not None and self.created is None and not self._kept

    def begin(self, found: Row | float) -> None:
        """The key is held by a lease, or there is a row of what was created under it."""
        if isinstance(found, float):
            self.lease = found
        else:
            self.created = found["created"]
            self._earlier = found["fingerprint"]

    def forget(self) -> None:
        """What was created is not there any more; what is kept next takes its place."""
        self.created, self._kept, self._instead = None, True, True

    def check(self, asked: object) -> None:
        """``IdempotencyMismatch`` unless the earlier call asked for the same."""
        if creations.differ(self._earlier, fingerprint_of(asked)):
            raise IdempotencyMismatch()

    async def keep(
        self, tx: Transaction, created: Sequence[Any], *, asked: object | None = None
    ) -> None:
        """Name what ``tx`` creates. ``asked``: what was asked for, where it is known only now."""
        if self._key is None:
            return
        if asked is not None:
            self._fingerprint = fingerprint_of(asked)
        if self._instead:
            await creations.replace(tx, self._account_id, self._key, created)
            return
        await creations.finish(
            tx,
            self._account_id,
            self._key,
            lease=self.lease,
            fingerprint=self._fingerprint,
            created=created,
        )
        self._kept = True


@contextmanager
def telling_again(created_id: str) -> Iterator[None]:
    """Around reading what an earlier call has created; ``CreatedThenDeleted`` where it is gone.

    It is not created again: whoever deleted it meanwhile would find it back.
    """
    try:
        yield
    except NotFound as gone:
        raise CreatedThenDeleted(id=created_id) from gone


@asynccontextmanager
async def creating(
    ports: Ports,
    account_id: str,
    key: str | None,
    *,
    route: str,
    asked: object | None,
    lease_s: float = _LEASE_S,
) -> AsyncIterator[Creation]:
    """Hold ``key`` while the block creates, or tell what was created under it before.

    ``asked``: everything that makes the call what it is, as JSON takes it; None where that is known
    at the end only. Without a key nothing is held. ``InvalidIdempotencyKey``,
    ``IdempotencyMismatch``, ``StillRunning``.
    """
    account_id = accounts.check(account_id)
    fingerprint = creations.UNTOLD if asked is None else fingerprint_of(asked)
    creation = Creation(account_id, check_key(key), fingerprint)
    if key is None:
        yield creation
        return
    async with ports.database.write(account_id) as tx:
        await accounts.ensure(tx, account_id)
        creation.begin(
            await creations.begin(
                tx, account_id, key, route=route, fingerprint=fingerprint, lease_s=lease_s
            )
        )
    try:
        yield creation
    finally:
        if creation.is_open:
            await _give_back(ports, account_id, key, creation.lease)


async def _give_back(ports: Ports, account_id: str, key: str, lease: float) -> None:
    try:
        async with ports.database.write(account_id) as tx:
            await creations.abandon(tx, account_id, key, lease=lease)
    except DatabaseFailed:
        return  # its time runs out


def fingerprint_of(asked: object) -> str:
    """The same for the same request, however its parts are ordered."""
    return hashlib.sha256(msgspec.json.encode(asked, order="sorted")).hexdigest()


def check_key(key: object) -> str | None:
    """The key itself; ``InvalidIdempotencyKey`` unless it is 1 to 255 visible ASCII characters."""
    if key is None:
        return None
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise InvalidIdempotencyKey()
    return key
