"""Billing backends decide what an order costs; the core's ledger books it."""

from __future__ import annotations

from typing import Protocol

from staging_core.models import Order, Quote, Reservation, Settlement, Standing

from .opening import OpenContext


class Billing(Protocol):
    """Prices orders."""

    async def quote(self, order: Order) -> Quote:
        """What the order would cost; ``UsageLimitExceeded`` when the account may not have it.

        Has no effect: quoting twice costs nothing and answers the same while nothing changed.
        What it takes (allowance, credits, overage) comes to the order's images, or to nothing.
        """
        ...


class KeepsPlans(Protocol):
    """A billing backend under which an account has a plan, and a limit."""

    async def standing(self, account_id: str) -> Standing:
        """The account's plan and period, and what it has left of them.

        An account that nobody has seen yet stands as a new one.
        """
        ...


class ReservesElsewhere(Protocol):
    """A billing backend of which a service outside keeps what accounts may have.

    It quotes nothing that the core's ledger would hold: an image is held in one place.
    """

    @property
    def source(self) -> str:
        """The service's name, 1 to 32 small letters; it is kept beside every reservation."""
        ...

    async def reserve(self, reservation: Reservation) -> None:
        """Hold what the images take; ``UsageLimitExceeded`` when the account has not so much.

        Reserving the same again changes nothing. What was settled before it came is not held.
        After any other error nobody knows, so it is released.
        """
        ...

    async def settle(self, settlement: Settlement) -> None:
        """Take what was captured for good, and give back what was released.

        Settling the same again changes nothing. Releasing an unknown reservation is done.
        """
        ...


class Standings(Protocol):
    """Where accounts stand by the installation's plans and ledger; the core's, for backends."""

    async def of(self, account_id: str) -> Standing:
        """The account's standing now; that of a new account for one that is not there."""
        ...


class BillingContext(OpenContext, Protocol):
    """What a billing backend may ask for while it opens, beside what every backend may."""

    @property
    def standings(self) -> Standings:
        """Where the installation's accounts stand."""
        ...
