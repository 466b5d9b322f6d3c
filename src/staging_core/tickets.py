"""One-time tickets for event streams."""

from __future__ import annotations

from .database import accounts, api_keys, tickets
from .database.engine import Database, Transaction
from .errors import Unauthorized
from .models import Principal, Ticket
from .models.secret_token import TICKET_PREFIX, digest_of, is_whole, new_token
from .ports import Ports
from .scoped import needs

LIVES_S = 30.0
"""How long a ticket waits to be used."""

SCOPES = frozenset({"events:read"})
"""All that a ticket opens."""


class Tickets:
    """Tickets of the acting user."""

    def __init__(self, ports: Ports, principal: Principal) -> None:
        self._database = ports.database
        self._principal = principal
        self._account_id = principal.account_id

    @needs("events:read")
    async def issue(self) -> Ticket:
        """A ticket that opens one event stream of this user, once, within 30 seconds.

        For browsers, which cannot set headers on one: a ticket in a URL is used up when it is seen
        in a log. Only its hash is kept. It opens nothing once that does not which its user had
        signed in with, and its stream ends then: a key that is revoked, a token that expires.
        """
        token = new_token(TICKET_PREFIX)
        async with self._database.write(self._account_id) as tx:
            await accounts.ensure(tx, self._account_id)
            expires_at = await tickets.add(tx, digest_of(token), self._principal, seconds=LIVES_S)
        return Ticket(token=token, expires_at=expires_at)


async def redeem(database: Database, token: str) -> Principal:
    """Who the ticket's user is, held to event streams; the ticket is used up by this.

    ``Unauthorized`` for one that is unknown, used or older than 30 seconds, or whose maker's key
    or token opens nothing any more.
    """
    row = None
    if is_whole(token, TICKET_PREFIX):
        async with database.write() as tx:
            row = await tickets.take(tx, digest_of(token))
            if row is not None and not await _holds(tx, row["key_id"]):
                row = None
            await tickets.forget(tx)
    if row is None:
        raise Unauthorized(
            "The ticket is unknown, used or too old, or its maker's key opens nothing any more.",
            remedy="Sign in, ask for a new ticket and use it once.",
        )
    return Principal(
        account_id=row["account_id"],
        user_id=row["user_id"],
        scopes=SCOPES,
        key_id=row["key_id"],
        expires_at=row["sign_in_expires_at"],
    )


async def _holds(tx: Transaction, key_id: str | None) -> bool:
    """Whether that key, if it was one, opens anything."""
    return key_id is None or bool(await api_keys.open_among(tx, {key_id}))
