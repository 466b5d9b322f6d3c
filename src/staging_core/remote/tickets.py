"""One-time tickets for event streams, over HTTP."""

from __future__ import annotations

import msgspec

from staging_core.models import Ticket

from .told import seconds
from .wire import Wire


class TicketTold(msgspec.Struct, frozen=True):
    """A ticket."""

    ticket: str
    expires_at: str

    def __repr__(self) -> str:
        return "TicketTold(ticket='***')"


class RemoteTickets:
    """As ``Tickets``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def issue(self) -> Ticket:
        """See ``Tickets.issue``."""
        told = await self._wire.send(TicketTold, "POST", "/events/tickets")
        return Ticket(token=told.ticket, expires_at=seconds(told.expires_at))
