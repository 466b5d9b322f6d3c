"""The pages that customers see: a checkout, an invoice, the portal. Plain forms, no scripts."""

from __future__ import annotations

from html import escape

from staging_core.models.money import as_money
from staging_core.testing.double.message import Answer

from .cards import CARDS
from .store import Object

_HEAD = {"content-type": "text/html; charset=utf-8"}


def money(amount: int | None, currency: str | None) -> str:
    """An amount for people."""
    if amount is None or currency is None:
        return ""
    return as_money(amount, currency.upper())


def checkout_page(session: Object, problem: str = "", status: int = 200) -> Answer:
    """What is bought, and a form that pays for it."""
    rows = "".join(
        f"<li>{line['quantity'] or ''} {escape(line['description'])}"
        f" {money(line['amount_total'], line['currency'])}</li>"
        for line in session["_lines"]
    )
    total = money(session["amount_total"], session["currency"])
    code = "<input name=promotion_code placeholder='Promotion code'>"
    return _page(
        "Checkout",
        f"<ul>{rows}</ul><p>Total: <b>{total}</b></p>{_told(problem)}<form method=post>"
        f"<input name=email type=email value='{escape(session['customer_email'] or '')}'>"
        f"{code if session['allow_promotion_codes'] else ''}{_cards()}"
        f"<button>{'Subscribe' if session['mode'] == 'subscription' else 'Pay'}</button></form>",
        status,
    )


def invoice_page(invoice: Object, problem: str = "", status: int = 200) -> Answer:
    """What is owed, and a form that pays it."""
    rows = "".join(
        f"<li>{escape(line['description'] or '')} {money(line['amount'], line['currency'])}</li>"
        for line in invoice["lines"]["data"]
    )
    form = f"<form method=post>{_cards()}<button>Pay</button></form>"
    return _page(
        f"Invoice {invoice['number']}",
        f"<ul>{rows}</ul><p>{escape(invoice['status'])}:"
        f" <b>{money(invoice['amount_due'], invoice['currency'])}</b></p>{_told(problem)}"
        f"{form if invoice['status'] == 'open' else ''}",
        status,
    )


def portal_page(
    session: Object, subscriptions: list[Object], problem: str = "", status: int = 200
) -> Answer:
    """The customer's subscriptions, and what they may do with them."""
    rows = "".join(
        f"<li>{one['id']} {one['status']}<form method=post>"
        f"<input type=hidden name=subscription value={one['id']}>"
        "<button name=deed value=cancel>Cancel</button><button name=deed value=keep>Keep</button>"
        "<input name=price placeholder=Price><button name=deed value=switch>Switch</button>"
        "</form></li>"
        for one in subscriptions
    )
    method = f"<form method=post>{_cards()}<button name=deed value=method>Save card</button></form>"
    return _page(session["customer"], f"<ul>{rows}</ul>{_told(problem)}{method}", status)


def pdf(invoice: Object) -> Answer:
    """The smallest document that viewers open, with the invoice's number in it."""
    text = f"BT /F1 18 Tf 72 720 Td (Invoice {invoice['number']}) Tj ET"
    objects = (
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        " /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(text)} >>\nstream\n{text}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    body, places = "%PDF-1.4\n", []
    for number, one in enumerate(objects, start=1):
        places.append(len(body))
        body += f"{number} 0 obj\n{one}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    body += (
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
        f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    )
    return Answer(body=body.encode(), headers={"content-type": "application/pdf"})


def done(url: str | None, text: str) -> Answer:
    """On to where the merchant wants the customer, or a word that it is done."""
    if url:
        return Answer(status=303, headers={"location": url})
    return _page("Done", f"<p>{escape(text)}</p>")


def gone() -> Answer:
    """The page is no more, or never was."""
    return _page("Not here", "<p>This page has expired, or never was.</p>", 404)


def _cards() -> str:
    options = "".join(f"<option value=pm_card_{name}>{name}</option>" for name in CARDS)
    return f"<select name=payment_method>{options}</select>"


def _told(problem: str) -> str:
    return f"<p role=alert>{escape(problem)}</p>" if problem else ""


def _page(title: str, body: str, status: int = 200) -> Answer:
    text = (
        f"<!DOCTYPE html><html lang=en><meta charset=utf-8><title>{escape(title)}</title>"
        f"<body><h1>{escape(title)}</h1>{body}</body></html>"
    )
    return Answer(status=status, body=text.encode(), headers=_HEAD)
