"""Money as people read it: amounts are kept in the smallest unit of their currency."""

from __future__ import annotations

_WHOLE = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
_THOUSANDTHS = "bhd jod kwd omr tnd"
_DIGITS = {**dict.fromkeys(_WHOLE.split(), 0), **dict.fromkeys(_THOUSANDTHS.split(), 3)}
"""Of currencies whose smallest unit is no hundredth, by https://docs.stripe.com/currencies.

ISK and UGX are not among them: Stripe takes them in hundredths, though neither has any.
"""


def as_money(amount: int, currency: str) -> str:
    """So many smallest units: 2900 usd are 29.00 usd, and 2900 jpy are 2900 jpy."""
    digits = _DIGITS.get(currency.lower(), 2)
    whole, rest = divmod(abs(amount), 10**digits)
    part = f".{rest:0{digits}d}" if digits else ""
    return f"{'-' if amount < 0 else ''}{whole}{part} {currency}"
