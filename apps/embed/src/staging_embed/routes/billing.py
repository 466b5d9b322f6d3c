"""Usage, plans and the ledger. Everybody has the free plan where nothing is charged."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from staging_core.errors import (
    BillingUnavailable,
    PaymentRefused,
    PaymentsUnavailable,
    UnknownModel,
    UsageLimitExceeded,
)
from staging_core.models import (
    MOST_QUOTED,
    Entry,
    EntryKind,
    InvoiceStatus,
    SubscriptionStatus,
    Usage,
)
from staging_core.models import Invoice as OwnInvoice
from staging_core.models import Subscription as OwnSubscription
from staging_embed.access import member
from staging_embed.call import Call
from staging_embed.fields import Before, Cursor, Limit
from staging_embed.paging import new_page
from staging_embed.routing import Routes
from staging_embed.times import rfc3339, rfc3339_or_none

billing = Routes("billing")
_read = member("billing:read")
_NO_LIMIT = 2**31 - 1  # what fits the number of any client


class Page(Struct, frozen=True, kw_only=True):
    """Which part of the list."""

    limit: Limit = 50
    offset: Annotated[int, Meta(ge=0, le=1_000_000, description="Rows before the page.")] = 0


class Invoice(Struct, frozen=True, kw_only=True):
    """One invoice; money in the smallest unit of `currency`.

    Whoever has its links can open them.
    """

    id: str
    status: InvoiceStatus
    amount_due: int
    amount_paid: int
    currency: str
    invoice_number: str | None
    created_at: str
    subscription_id: str | None
    hosted_invoice_url: str | None
    invoice_pdf: str | None


class InvoiceList(Struct, frozen=True, kw_only=True):
    """Invoices, newest first."""

    items: list[Invoice]
    limit: int
    offset: int


class Subscription(Struct, frozen=True, kw_only=True):
    """A plan that the account has; everybody's too, of which nobody is the `source`.

    `source`: who sold it; `operator`: it was given.
    """

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
    cancel_at_period_end: bool = False


class SubscriptionList(Struct, frozen=True, kw_only=True):
    """The account's plans."""

    items: list[Subscription]
    limit: int
    offset: int


class UsageAnswer(Struct, frozen=True, kw_only=True):
    """Images that became ready in this period; deleted ones stay counted.

    A period is a calendar month (UTC), or that of a subscription. `remaining_images` may still be
    had: of the plan's `monthly_limit`, and of credits; `overage_images` more may be had after that,
    charged afterwards. `has_subscription`: whether the account has a plan of its own. `features`:
    names of what it may use, by its plan and by its payment provider. Where nothing is charged,
    `monthly_limit` is 2147483647: there is none.
    """

    images_used: int
    monthly_limit: int
    plan_code: str
    period_start: str
    period_end: str
    has_subscription: bool
    remaining_images: int
    overage_images: int
    features: tuple[str, ...]


class QuoteWish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many images of a model; without one, of the active one."""

    images: Annotated[int, Meta(ge=1, le=MOST_QUOTED)] = 1
    model: Annotated[str, Meta(min_length=1, max_length=255)] | None = None


class QuoteAnswer(Struct, frozen=True, kw_only=True):
    """What the images would take: of the plan's `allowance`, of `credits`, and as `overage`.

    All three are 0 where nothing is counted. `amount_cents` come onto the bill; `model_cost_usd` is
    what the model's provider is expected to charge the installation. `rule`: why.
    """

    images: int
    allowance: int
    credits: int
    overage: int
    amount_cents: int
    currency: str
    model_cost_usd: float
    plan_code: str
    rule: str


class EntryAnswer(Struct, frozen=True, kw_only=True):
    """`images` went from one book of a balance to another.

    `balance`: `credits`, or a period's `allowance/2026-01`, `overage/2026-01`, or
    `free-overage/2026-01` where a plan charges nothing for it. What is `available` may be had;
    what is `reserved` is held for running jobs.
    """

    id: str
    balance: str
    kind: EntryKind
    from_book: str
    to_book: str
    images: int
    job_id: str | None
    note: dict[str, Any] | None
    created_at: str


class EntryList(Struct, frozen=True, kw_only=True):
    """Entries of the ledger, newest first."""

    entries: list[EntryAnswer]
    next_cursor: str | None


class EntryPage(Struct, frozen=True, kw_only=True):
    """Which part of the ledger."""

    limit: Limit | None = None
    cursor: Cursor | None = None
    before: Before | None = None


@billing.get("/billing/usage", _read)
async def get_usage(call: Call) -> UsageAnswer:
    """What was used in this period, and what is left."""
    usage = await call.me.billing.usage()
    limit = _NO_LIMIT if usage.limit is None else usage.limit
    left = max(0, limit - usage.used) if usage.remaining is None else usage.remaining
    return UsageAnswer(
        images_used=usage.used,
        monthly_limit=limit,
        plan_code=usage.plan_code,
        period_start=rfc3339(usage.period_start),
        period_end=rfc3339(usage.period_end),
        has_subscription=usage.has_subscription,
        remaining_images=left,
        overage_images=usage.overage,
        features=usage.features,
    )


@billing.post("/quotes", _read, errors=(UnknownModel, UsageLimitExceeded, BillingUnavailable))
async def quote(call: Call, body: QuoteWish) -> QuoteAnswer:
    """What so many images would cost now, and which rule of the plan says so; takes nothing."""
    found = await call.me.billing.quote(body.images, model=body.model)
    return QuoteAnswer(
        images=body.images,
        allowance=found.allowance,
        credits=found.credits,
        overage=found.overage,
        amount_cents=found.amount_cents,
        currency=found.currency,
        model_cost_usd=found.model_cost_usd,
        plan_code=found.plan_code,
        rule=found.rule,
    )


@billing.get("/billing/ledger", _read)
async def list_ledger(call: Call, query: EntryPage) -> EntryList:
    """Every image that the account was given, holds, had or lost, newest first."""
    before = call.before("ledger", query)
    rows, more = await new_page(
        lambda limit: call.me.billing.entries(limit=limit, before=before), query.limit
    )
    return EntryList(
        entries=[_entry(row) for row in rows],
        next_cursor=call.next("ledger", rows[-1].place if more else None),
    )


@billing.get("/billing/subscriptions", _read)
async def list_subscriptions(call: Call, query: Page) -> SubscriptionList:
    """The account's plans, newest first; everybody's plan, where it has none of its own."""
    usage = await call.me.billing.usage()
    rows = [_subscription(row, usage) for row in await call.me.billing.subscriptions(limit=200)]
    if not usage.has_subscription:
        rows.insert(0, _everybodys(usage))
    items = rows[query.offset : query.offset + query.limit]
    return SubscriptionList(items=items, limit=query.limit, offset=query.offset)


@billing.get("/billing/invoices", _read, errors=(PaymentsUnavailable, PaymentRefused))
async def list_invoices(call: Call, query: Page) -> InvoiceList:
    """Invoices, newest first; none where nothing is charged."""
    found = await call.me.billing.invoices(limit=query.limit, offset=query.offset)
    items = [_invoice(one) for one in found]
    return InvoiceList(items=items, limit=query.limit, offset=query.offset)


def _invoice(one: OwnInvoice) -> Invoice:
    return Invoice(
        id=one.id,
        status=one.status,
        amount_due=one.amount_due,
        amount_paid=one.amount_paid,
        currency=one.currency,
        invoice_number=one.number,
        created_at=rfc3339(one.created_at),
        subscription_id=one.subscription_id,
        hosted_invoice_url=one.hosted_url,
        invoice_pdf=one.pdf_url,
    )


def _entry(entry: Entry) -> EntryAnswer:
    return EntryAnswer(
        id=entry.id,
        balance=entry.balance,
        kind=entry.kind,
        from_book=entry.from_book,
        to_book=entry.to_book,
        images=entry.images,
        job_id=entry.job_id,
        note=entry.note,
        created_at=rfc3339(entry.at),
    )


def _everybodys(usage: Usage) -> Subscription:
    """Old pages allow no upload without a plan."""
    return Subscription(
        id=usage.plan_code,
        status="active",
        price_id=usage.plan_code,
        plan_code=usage.plan_code,
        source=None,
        created_at=None,
        current_period_start=rfc3339(usage.period_start),
        current_period_end=rfc3339(usage.period_end),
    )


def _subscription(row: OwnSubscription, usage: Usage) -> Subscription:
    """Without a period of its own it goes by the account's."""
    ends = row.cancel_at is not None
    return Subscription(
        id=row.id,
        status=row.status,
        price_id=row.price_id or row.plan_code,
        plan_code=row.plan_code,
        source=row.source,
        created_at=rfc3339(row.created_at),
        current_period_start=rfc3339(row.period_start or usage.period_start),
        current_period_end=rfc3339(row.period_end or usage.period_end),
        cancel_at=rfc3339_or_none(row.cancel_at),
        canceled_at=rfc3339_or_none(row.canceled_at),
        cancel_at_period_end=ends and row.cancel_at == row.period_end,
    )
