"""What others ask us to wait is a number that can be waited for, whatever they write."""

from __future__ import annotations

from email.utils import formatdate
from time import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from staging_core.retry_after import seconds_of

HOUR = 3600.0


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("1.5", 1.5),
        (4, 4),
        (0.5, 0.5),
        ("99999999", HOUR),
        ("9" * 5000, HOUR),
        (10**400, HOUR),
        (-(10**400), 0),
        ("inf", HOUR),
        ("-7", 0),
        ("Mon, 01 Jan 2001 00:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", HOUR),
        ("Fri, 31 Dec 9999 23:59:59 -2359", HOUR),
        ("nan", None),
        (float("nan"), None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2001 99:99:99 GMT", None),
        ("soon", None),
        ("", None),
        (None, None),
        ({"seconds": 1}, None),
    ],
)
def test_the_seconds_of_a_header(told: object, seconds: float | None) -> None:
    assert seconds_of(told, longest_s=HOUR) == seconds


def test_a_date_is_so_many_seconds_away() -> None:
    found = seconds_of(formatdate(time() + 60, usegmt=True), longest_s=HOUR)
    assert found is not None
    assert 55 < found <= 61


DATES = st.tuples(
    st.sampled_from(["Mon", "Foo", ""]),
    st.integers(-1, 10**30),
    st.sampled_from(["Jan", "Dez", "13"]),
    st.integers(-1, 10**30),
    st.from_regex(r"\d{1,3}(:\d{1,20}){0,3}", fullmatch=True),
    st.sampled_from(["GMT", "", "-0000", "+2359", "-9999", "+" + "9" * 30]),
).map(lambda parts: "{}, {} {} {} {} {}".format(*parts))


@given(st.one_of(st.text(), DATES, st.integers(), st.floats(), st.booleans(), st.none()))
@example("Mon, 01 Jan 99999999999999999999 00:00:00 GMT")
def test_any_value_is_none_or_a_number_within_bounds(told: object) -> None:
    found = seconds_of(told, longest_s=HOUR)
    assert found is None or 0 <= found <= HOUR
