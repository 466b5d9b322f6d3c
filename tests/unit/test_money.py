"""Money is told in the digits of its currency."""

from __future__ import annotations

import pytest

from staging_core.models.money import as_money


@pytest.mark.parametrize(
    ("amount", "currency", "told"),
    [
        (2900, "usd", "29.00 usd"),
        (5, "eur", "0.05 eur"),
        (-150, "eur", "-1.50 eur"),
        (2900, "jpy", "2900 jpy"),
        (0, "krw", "0 krw"),
        (2900, "kwd", "2.900 kwd"),
        (50, "bhd", "0.050 bhd"),
        (500, "isk", "5.00 isk"),
        (2900, "JPY", "2900 JPY"),
    ],
)
def test_money_has_the_digits_of_its_currency(amount: int, currency: str, told: str) -> None:
    assert as_money(amount, currency) == told
