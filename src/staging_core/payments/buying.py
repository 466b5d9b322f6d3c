"""What an account does to pay: it buys, goes over to another plan, ends one, and goes on with it.

A purchase is a row before the provider is asked for it, under the row's id; what came of it is
written afterwards. Where the answer is lost the row stays ``begun``, and ``Unfinished`` finds out.
Secrets are kept nowhere: who asks again for what is not paid yet is told them anew.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from uuid import uuid4

from staging_core.creation import Creation, creating
from staging_core.database import accounts, customers, paid_plans, payment_objects, purchases
from staging_core.database.engine import Transaction
from staging_core.database.purchases import Deed
from staging_core.database.row import Row
from staging_core.errors import (
    AlreadyCreated,
    AlreadySubscribed,
    AskedOtherwise,
    CurrencyDiffers,
    NoActiveSubscription,
    NotFound,
    PaymentRefused,
)
from staging_core.interfaces import ReportsPayments, TakesPayments, supports
from staging_core.models import Offer, OfferKind, PaidSubscription, Payable
from staging_core.ports import Ports

from . import purchase as one
from .catalogue import offer_of
from .customers import customer_of
from .taking import KEY_KNOWN_S, return_url, taking

_PAYABLE_S = 26 * 3600.0
"""So long somebody may still pay what was begun, on a page or in a form."""


class Buying:
    """One account's. Every method is ``ServiceUnavailable`` where nothing takes payments."""

    def __init__(self, ports: Ports, account_id: str) -> None:
        self._ports = ports
        self._account_id = account_id

    async def checkout(self, price_id: str, *, key: str | None) -> str:
        """See ``Billing.checkout``."""
        takes = taking(self._ports)
        return_url(self._ports)
        offer = await offer_of(self._ports, takes.source, price_id)
        async with self._creating("billing.checkout", price_id, key) as creation:
            if offer.kind == "plan" and creation.created is None:
                await self._may_begin(takes)
            answer = await self._bought(takes, "checkout", offer, creation)
            assert isinstance(answer, str)
        return answer

    async def subscribe(self, price_id: str, *, key: str | None) -> Payable:
        """See ``Billing.subscribe``."""
        takes = taking(self._ports)
        offer = await offer_of(self._ports, takes.source, price_id, "plan")
        async with self._creating("billing.subscribe", price_id, key) as creation:
            if creation.created is None:
                await self._may_begin(takes)
            return _payable(await self._bought(takes, "subscribe", offer, creation))

    async def switch(self, price_id: str, *, key: str | None) -> Payable:
        """See ``Billing.switch``."""
        takes = taking(self._ports)
        offer = await offer_of(self._ports, takes.source, price_id, "plan")
        async with self._creating("billing.switch", price_id, key) as creation:
            subscription_id = await self._paid_for(takes)
            if subscription_id is None or await self._began(creation):
                return _payable(await self._bought(takes, "subscribe", offer, creation))
            await self._check_currency(takes, offer)
            row = await self._begin(takes, "switch", offer, creation, object_id=subscription_id)
            async with self._ports.database.read(self._account_id) as tx:
                customer_id = await customers.customer_of(tx, self._account_id, takes.source) or ""
            await self._take_back_others(takes, row, customer_id)
            try:
                answer = await one.ask(self._ports, takes, row, offer, customer_id)
            except PaymentRefused as refused:
                await self._check_open(subscription_id, refused)
                raise
            assert isinstance(answer, PaidSubscription)
        return _payable(answer)

    async def cancel(self) -> None:
        """See ``Billing.cancel``."""
        await self._change(ends=True)

    async def resume(self) -> None:
        """See ``Billing.resume``."""
        await self._change(ends=False)

    # --- the rules --------------------------------------------------------------------------------

    async def _may_begin(self, takes: TakesPayments) -> None:
        """``AlreadySubscribed`` for an account that pays for a plan."""
        if await self._paid_for(takes) is not None:
            raise AlreadySubscribed()

    async def _paid_for(self, takes: TakesPayments) -> str | None:
        """The subscription that the account pays for.

        What was begun lately may be paid without that its subscription is written here yet: the
        provider is asked.
        """
        async with self._ports.database.read(self._account_id) as tx:
            paid = await paid_plans.find(tx, self._account_id, takes.source)
            customer_id = await customers.customer_of(tx, self._account_id, takes.source)
            begun = await self._lately(tx, takes, "plan")
        if paid is not None:
            return str(paid["id"])
        if customer_id is None:
            return None
        for row in begun:
            if row["deed"] == "switch":
                continue
            found = await takes.begun(customer_id, row["id"])
            if found is not None:
                await one.found(self._ports, row, found)
                if one.pays(found):
                    return found.id
        return None

    async def _lately(self, tx: Transaction, takes: TakesPayments, kind: OfferKind) -> list[Row]:
        since = tx.now - _PAYABLE_S
        return await purchases.lately(tx, self._account_id, takes.source, kind, since=since)

    async def _check_currency(self, takes: TakesPayments, offer: Offer) -> None:
        """``CurrencyDiffers``: a subscription keeps the currency that it was begun in."""
        async with self._ports.database.read(self._account_id) as tx:
            paid = await paid_plans.find(tx, self._account_id, takes.source)
        plans = self._ports.settings.plans
        if paid is None or paid["plan"] not in plans:
            return
        now, then = plans[paid["plan"]].currency, plans[offer.code].currency
        if now != then:
            raise CurrencyDiffers(f"The account pays in {now}, this price is in {then}.")

    # --- steps ------------------------------------------------------------------------------------

    def _creating(
        self, route: str, price_id: str, key: str | None
    ) -> AbstractAsyncContextManager[Creation]:
        asked = {"price_id": price_id}
        return creating(self._ports, self._account_id, key, route=route, asked=asked)

    async def _began(self, creation: Creation) -> bool:
        """Whether the repeated call began a subscription, as a switch without one does."""
        if creation.created is None:
            return False
        deed: Deed = (await self._kept(creation.created[0]))["deed"]
        return deed == "subscribe"

    async def _kept(self, purchase_id: str) -> Row:
        async with self._ports.database.read(self._account_id) as tx:
            row = await purchases.get(tx, self._account_id, purchase_id)
        if row is None:
            raise AlreadyCreated(id=purchase_id)
        return row

    async def _begin(
        self,
        takes: TakesPayments,
        deed: Deed,
        offer: Offer,
        creation: Creation,
        *,
        object_id: str | None = None,
    ) -> Row:
        """The purchase's row; the same one again while it is for the same and not paid.

        So who asks twice, or at one moment, is led to one page and one subscription.
        """
        if creation.created is not None:
            return await self._again(takes, creation.created[0])
        async with self._ports.database.write(self._account_id) as tx:
            await accounts.ensure(tx, self._account_id)
            begins_plan = offer.kind == "plan" and deed != "switch"
            if begins_plan and await paid_plans.find(tx, self._account_id, takes.source):
                raise AlreadySubscribed()
            wanted = {"deed": deed, "price_id": offer.price_id}
            if deed == "switch":
                wanted["object_id"] = object_id or ""
            row = next(
                (
                    row
                    for row in await self._lately(tx, takes, offer.kind)
                    if row["state"] in purchases.UNFINISHED
                    and row["created_at"] > tx.now - KEY_KNOWN_S
                    and all(row[name] == value for name, value in wanted.items())
                    # A change that waits for its payment may be made anew: its bill is another.
                    and (deed != "switch" or row["state"] == "begun")
                ),
                None,
            )
            if row is None:
                row = await purchases.begin(
                    tx, self._account_id, takes.source, deed, offer, object_id=object_id
                )
            if offer.kind == "plan":
                await purchases.supersede(tx, self._account_id, takes.source, but=row["id"])
            await creation.keep(tx, [row["id"]])
        return row

    async def _take_back_others(self, takes: TakesPayments, row: Row, customer_id: str) -> None:
        """What was begun before is not wanted; ``AlreadySubscribed`` where it was paid by now.

        Of what nothing is found a call may still be under way: a sweep looks again.
        """
        async with self._ports.database.read(self._account_id) as tx:
            others = await purchases.unwanted(tx, self._account_id, takes.source)
        for other in others:
            try:
                paid = await one.take_back(self._ports, takes, other, customer_id)
            except PaymentRefused:
                if row["state"] == "begun":  # an open page may be paid still
                    await one.is_refused(self._ports, row)  # so that no sweep asks for it
                raise
            if paid is not None and row["deed"] != "switch":
                async with self._ports.database.write(self._account_id) as tx:
                    await accounts.hold(tx, self._account_id)
                    await purchases.supersede(tx, self._account_id, takes.source)
                raise AlreadySubscribed()

    async def _again(self, takes: TakesPayments, purchase_id: str) -> Row:
        """The purchase of the earlier call; the provider must still know its key.

        What was refused is begun once more, as if it were asked for now.
        """
        row = await self._kept(purchase_id)
        if row["state"] in ("unwanted", "over"):
            raise AlreadyCreated("Something else was begun since.", id=purchase_id)
        async with self._ports.database.read(self._account_id) as tx:
            if tx.now - row["created_at"] > KEY_KNOWN_S:
                raise AlreadyCreated(id=purchase_id)
        if row["state"] != "refused":
            return row
        if row["kind"] == "plan" and row["deed"] != "switch":
            await self._may_begin(takes)
        async with self._ports.database.write(self._account_id) as tx:
            await accounts.hold(tx, self._account_id)
            row = await purchases.reopen(tx, row)
            if row["kind"] == "plan":
                await purchases.supersede(tx, self._account_id, takes.source, but=row["id"])
        return row

    async def _bought(
        self, takes: TakesPayments, deed: Deed, offer: Offer, creation: Creation
    ) -> PaidSubscription | str:
        """Begun, or begun before and not paid yet.

        What was begun before the settings changed is taken back first, and begun anew: it would be
        paid as they were then, or beside the next one.
        """
        customer_id = await customer_of(self._ports, takes, self._account_id)
        row = await self._begin(takes, deed, offer, creation)
        try:
            return await self._asked(takes, row, offer, customer_id)
        except AskedOtherwise:
            await one.take_back(self._ports, takes, row, customer_id, late=True)
        if offer.kind == "plan":
            await self._may_begin(takes)
        if (await self._kept(row["id"]))["state"] == "done":
            raise AlreadyCreated(id=row["id"])
        creation.forget()
        row = await self._begin(takes, deed, offer, creation)
        return await self._asked(takes, row, offer, customer_id)

    async def _asked(
        self, takes: TakesPayments, row: Row, offer: Offer, customer_id: str
    ) -> PaidSubscription | str:
        """The provider's answer; of a form that is there the secret that it has now."""
        if offer.kind == "plan":
            await self._take_back_others(takes, row, customer_id)
        if row["object_id"] is not None and row["deed"] == "subscribe":
            found = await takes.begun(customer_id, row["id"])
            if found is not None:
                await one.found(self._ports, row, found)
                return found
        return await one.ask(self._ports, takes, row, offer, customer_id)

    async def _change(self, *, ends: bool) -> None:
        """Let the subscription end with its period, or take that back.

        Doing it twice is doing it once, so it needs no row of its own: that the subscription is to
        be looked at is written before, and again when it is done.
        """
        takes = taking(self._ports)
        subscription_id = await self._paid_for(takes)
        if subscription_id is None:
            raise NoActiveSubscription()
        key = await self._look_at(takes.source, subscription_id, ends=ends)
        change = takes.end_with_period if ends else takes.go_on
        try:
            await change(subscription_id, key=key)
        except PaymentRefused as refused:
            await self._check_open(subscription_id, refused)
            raise
        await self._look_at(takes.source, subscription_id)

    async def _look_at(self, source: str, subscription_id: str, *, ends: bool = False) -> str:
        """Mark the subscription; a key that no other call has.

        ``ends``: what the account began of plans before, it does not want any more.
        """

        async def mark(tx: Transaction) -> None:
            await payment_objects.mark(tx, source, "subscription", subscription_id, None)
            if ends:
                await accounts.hold(tx, self._account_id)
                await purchases.supersede(tx, self._account_id, source)

        await self._ports.database.transact(None, mark)
        return uuid4().hex

    async def _check_open(self, subscription_id: str, refused: PaymentRefused) -> None:
        """``NoActiveSubscription`` where the provider says no because it has ended."""
        reports = supports(self._ports.billing, ReportsPayments)
        if reports is None:
            return
        try:
            now = await reports.look("subscription", subscription_id)
        except NotFound:
            now = None
        if not isinstance(now, PaidSubscription) or not one.pays(now):
            raise NoActiveSubscription("This subscription has ended.") from refused


def _payable(paid: PaidSubscription | str) -> Payable:
    assert isinstance(paid, PaidSubscription)
    return Payable(subscription_id=paid.id, client_secret=paid.client_secret)
