"""The account's plan, credits and ledger, over HTTP."""

from __future__ import annotations

from typing import Any

import msgspec

from staging_core.database.pages import check_limit
from staging_core.models import (
    Card,
    Entry,
    EntryKind,
    Invoice,
    InvoiceStatus,
    Payable,
    PaymentMethod,
    Place,
    Principal,
    Quote,
    Subscription,
    SubscriptionStatus,
    Usage,
)

from .pages import rows_of
from .told import seconds, seconds_or_none
from .wire import Wire

_NO_LIMIT = 2**31 - 1  # what the API says where there is none
_OPERATOR = "operator"  # whose plans go by calendar months


class UsageTold(msgspec.Struct, frozen=True):
    """What was used in this period, and what is left."""

    images_used: int
    monthly_limit: int
    plan_code: str
    period_start: str
    period_end: str
    has_subscription: bool
    remaining_images: int
    overage_images: int = 0
    features: tuple[str, ...] = ()


class SubscriptionTold(msgspec.Struct, frozen=True):
    """A plan that the account has, or everybody's, which has no ``source``."""

    id: str
    status: SubscriptionStatus
    price_id: str
    plan_code: str
    source: str | None
    created_at: str | None
    current_period_start: str
    current_period_end: str
    cancel_at: str | None = None
    canceled_at: str | None = None


class SubscriptionsTold(msgspec.Struct, frozen=True):
    """The account's plans."""

    items: list[SubscriptionTold]


class EntryTold(msgspec.Struct, frozen=True):
    """An entry of the ledger."""

    id: str
    balance: str
    kind: EntryKind
    from_book: str
    to_book: str
    images: int
    created_at: str
    job_id: str | None = None
    note: dict[str, Any] | None = None


class EntriesTold(msgspec.Struct, frozen=True):
    """A page of the ledger."""

    entries: list[EntryTold]
    next_cursor: str | None

    def rows(self) -> list[EntryTold]:
        """See ``Page``."""
        return self.entries


class AddressTold(msgspec.Struct, frozen=True):
    """Where to go on."""

    url: str


class PayableTold(msgspec.Struct, frozen=True, rename="camel"):
    """A subscription, and what pays it."""

    subscription_id: str
    client_secret: str | None = None

    def __repr__(self) -> str:
        return f"PayableTold({self.subscription_id!r})"


class ChangedTold(msgspec.Struct, frozen=True):
    """It is done."""

    message: str


class CardTold(msgspec.Struct, frozen=True, rename="camel"):
    """A card."""

    brand: str
    last4: str
    exp_month: int
    exp_year: int


class MethodTold(msgspec.Struct, frozen=True, rename="camel"):
    """A way to pay."""

    id: str
    type: str
    card: CardTold | None = None
    is_default: bool = False


class MethodsTold(msgspec.Struct, frozen=True, rename="camel"):
    """Ways to pay."""

    payment_methods: list[MethodTold]


class InvoiceTold(msgspec.Struct, frozen=True):
    """A bill."""

    id: str
    status: InvoiceStatus
    amount_due: int
    amount_paid: int
    currency: str
    created_at: str
    subscription_id: str | None = None
    invoice_number: str | None = None
    hosted_invoice_url: str | None = None
    invoice_pdf: str | None = None


class InvoicesTold(msgspec.Struct, frozen=True):
    """Bills."""

    items: list[InvoiceTold]


class RemoteBilling:
    """As ``Billing``."""

    def __init__(self, wire: Wire, principal: Principal) -> None:
        self._wire = wire
        self._principal = principal

    async def usage(self) -> Usage:
        """See ``Billing.usage``."""
        told = await self._wire.get(UsageTold, "/billing/usage")
        limited = told.monthly_limit < _NO_LIMIT
        return Usage(
            used=told.images_used,
            period_start=seconds(told.period_start),
            period_end=seconds(told.period_end),
            limit=told.monthly_limit if limited else None,
            remaining=told.remaining_images if limited else None,
            overage=told.overage_images,
            plan_code=told.plan_code,
            has_subscription=told.has_subscription,
            features=told.features,
        )

    async def quote(self, images: int = 1, *, model: str | None = None) -> Quote:
        """See ``Billing.quote``."""
        return await self._wire.send(Quote, "POST", "/quotes", {"images": images, "model": model})

    async def subscriptions(self, *, limit: int = 50, offset: int = 0) -> list[Subscription]:
        """See ``Billing.subscriptions``."""
        check_limit(limit)
        told = await self._wire.get(SubscriptionsTold, "/billing/subscriptions", {"limit": "200"})
        own = [self._subscription(one) for one in told.items if one.source is not None]
        return own[offset : offset + limit]

    async def entries(self, *, limit: int = 50, before: Entry | Place | None = None) -> list[Entry]:
        """See ``Billing.entries``."""
        place = before.place if isinstance(before, Entry) else before
        rows = await rows_of(
            self._wire, EntriesTold, "/billing/ledger", {}, before=place, limit=limit
        )
        return [self._entry(row) for row in rows]

    # --- paying -----------------------------------------------------------------------------------

    async def checkout(self, price_id: str, *, idempotency_key: str | None = None) -> str:
        """See ``Billing.checkout``."""
        path, body = "/billing/create-checkout", {"price_id": price_id}
        return (await self._wire.create(AddressTold, path, body, key=idempotency_key)).value.url

    async def portal(self) -> str:
        """See ``Billing.portal``."""
        return (await self._wire.send(AddressTold, "POST", "/billing/portal")).url

    async def subscribe(self, price_id: str, *, idempotency_key: str | None = None) -> Payable:
        """See ``Billing.subscribe``."""
        return await self._payable(
            "/billing/create-subscription-elements", price_id, idempotency_key
        )

    async def switch(self, price_id: str, *, idempotency_key: str | None = None) -> Payable:
        """See ``Billing.switch``."""
        return await self._payable("/billing/upgrade-subscription", price_id, idempotency_key)

    async def cancel(self) -> None:
        """See ``Billing.cancel``."""
        await self._wire.send(ChangedTold, "POST", "/billing/cancel-subscription")

    async def resume(self) -> None:
        """See ``Billing.resume``."""
        await self._wire.send(ChangedTold, "POST", "/billing/resume-subscription")

    async def payment_methods(self) -> list[PaymentMethod]:
        """See ``Billing.payment_methods``."""
        told = await self._wire.get(MethodsTold, "/billing/payment-methods")
        return [_method(one) for one in told.payment_methods]

    async def choose_payment_method(self, method_id: str) -> None:
        """See ``Billing.choose_payment_method``."""
        path, body = "/billing/set-default-payment-method", {"paymentMethodId": method_id}
        await self._wire.send(ChangedTold, "POST", path, body)

    async def remove_payment_method(self, method_id: str) -> None:
        """See ``Billing.remove_payment_method``."""
        path, body = "/billing/remove-payment-method", {"paymentMethodId": method_id}
        await self._wire.send(ChangedTold, "POST", path, body)

    async def invoices(self, *, limit: int = 50, offset: int = 0) -> list[Invoice]:
        """See ``Billing.invoices``."""
        check_limit(limit)
        asked = {"limit": str(limit), "offset": str(offset)}
        told = await self._wire.get(InvoicesTold, "/billing/invoices", asked)
        return [_invoice(one) for one in told.items]

    async def _payable(self, path: str, price_id: str, key: str | None) -> Payable:
        told = (await self._wire.create(PayableTold, path, {"price_id": price_id}, key=key)).value
        return Payable(subscription_id=told.subscription_id, client_secret=told.client_secret)

    def _subscription(self, told: SubscriptionTold) -> Subscription:
        assert told.source is not None
        by_period = told.source != _OPERATOR
        return Subscription(
            id=told.id,
            account_id=self._principal.account_id,
            plan_code=told.plan_code,
            source=told.source,
            status=told.status,
            created_at=seconds_or_none(told.created_at) or 0.0,
            price_id=told.price_id if told.price_id != told.plan_code else None,
            period_start=seconds(told.current_period_start) if by_period else None,
            period_end=seconds(told.current_period_end) if by_period else None,
            cancel_at=seconds_or_none(told.cancel_at),
            canceled_at=seconds_or_none(told.canceled_at),
        )

    def _entry(self, told: EntryTold) -> Entry:
        values = msgspec.structs.asdict(told)
        at = seconds(values.pop("created_at"))
        return Entry(account_id=self._principal.account_id, at=at, **values)


def _method(told: MethodTold) -> PaymentMethod:
    card = None if told.card is None else Card(**msgspec.structs.asdict(told.card))
    return PaymentMethod(id=told.id, type=told.type, card=card, is_default=told.is_default)


def _invoice(told: InvoiceTold) -> Invoice:
    same = ("id", "status", "amount_due", "amount_paid", "currency", "subscription_id")
    return Invoice(
        created_at=seconds(told.created_at),
        number=told.invoice_number,
        hosted_url=told.hosted_invoice_url,
        pdf_url=told.invoice_pdf,
        **{name: getattr(told, name) for name in same},
    )
