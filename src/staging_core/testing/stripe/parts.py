"""The parts of one double, made for each other."""

from __future__ import annotations

from .account import Account
from .changes import Changes
from .charges import Charges
from .checkout import Checkout
from .clocks import Clocks
from .coupons import Coupons
from .customers import Customers
from .disputes import Disputes
from .entitlements import Entitlements
from .events import Events
from .intents import Intents
from .invoices import Invoices
from .invoicing import Invoicing
from .items import Items
from .lines import Lines
from .meters import Meters
from .pages import Pages
from .payment_methods import PaymentMethods
from .portal import Portal
from .prices import Prices
from .products import Products
from .renewal import Renewal
from .standing import Standing
from .subscribing import Subscribing
from .subscriptions import Subscriptions
from .webhooks import Webhooks


class Parts:
    """Every noun of the API, once."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.webhooks, self.events = Webhooks(account), Events(account)
        self.products, self.prices = Products(account), Prices(account)
        self.methods, self.charges = PaymentMethods(account), Charges(account)
        self.disputes, self.coupons = Disputes(account), Coupons(account)
        self.meters, self.items = Meters(account), Items(account)
        self.entitlements = Entitlements(account)
        self.customers = Customers(account, self.methods)
        self.intents = Intents(account, self.methods, self.charges, self.disputes)
        self._bill()
        self._sell()
        self._connect()

    def _bill(self) -> None:
        account = self.account
        self.lines = Lines(account, self.meters, self.coupons)
        self.invoicing = Invoicing(account, self.lines, self.intents)
        self.standing = Standing(account, self.invoicing)
        self.renewal = Renewal(account, self.invoicing, self.lines, self.standing, self.coupons)
        self.changes = Changes(account, self.items, self.lines)
        self.invoices = Invoices(
            account,
            invoicing=self.invoicing,
            methods=self.methods,
            lines=self.lines,
            items=self.items,
            changes=self.changes,
            renewal=self.renewal,
            coupons=self.coupons,
        )

    def _sell(self) -> None:
        account = self.account
        self.subscribing = Subscribing(
            account,
            items=self.items,
            lines=self.lines,
            methods=self.methods,
            intents=self.intents,
            invoicing=self.invoicing,
            renewal=self.renewal,
            coupons=self.coupons,
        )
        self.subscriptions = Subscriptions(
            account,
            items=self.items,
            methods=self.methods,
            subscribing=self.subscribing,
            changes=self.changes,
            invoicing=self.invoicing,
            standing=self.standing,
            renewal=self.renewal,
            coupons=self.coupons,
        )
        self.checkout = Checkout(
            account,
            customers=self.customers,
            methods=self.methods,
            intents=self.intents,
            items=self.items,
            subscribing=self.subscribing,
            coupons=self.coupons,
        )
        self.portal = Portal(account, self.methods, self.subscriptions)
        self.pages = Pages(account, self.checkout, self.portal, self.invoicing, self.methods)
        self.clocks = Clocks(account, self.customers.remove)

    def _connect(self) -> None:
        self.standing.after.append(self.entitlements.refresh)
        self.intents.after_setup.append(self.standing.keep_method)
        self.customers.on_delete.append(self.subscriptions.of_deleted)
        self.clocks.sources += [self.renewal.due, self.checkout.due]
