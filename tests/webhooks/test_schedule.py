"""When a delivery that failed is tried again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from staging_core.webhooks.schedule import JITTER, PAUSES_S, pause_s

DAY_S = 86_400.0
failures = st.integers(1, len(PAUSES_S))


def test_pauses_grow_from_seconds_to_a_day_and_take_three_days_in_all() -> None:
    assert list(PAUSES_S) == sorted(PAUSES_S)
    assert PAUSES_S[0] < 10
    assert PAUSES_S[-1] == DAY_S
    assert 3 * DAY_S < sum(PAUSES_S) < 4 * DAY_S


@given(failures)
def test_a_pause_is_spread_around_its_length(n: int) -> None:
    pause = pause_s(n)
    assert pause is not None
    assert (1 - JITTER) * PAUSES_S[n - 1] <= pause <= (1 + JITTER) * PAUSES_S[n - 1]


def test_what_failed_together_does_not_come_back_together() -> None:
    assert len({pause_s(3) for _ in range(100)}) > 90


@given(failures, st.floats(0, 1e9))
def test_a_receiver_may_ask_for_a_longer_pause_up_to_a_day_and_never_for_a_shorter(
    n: int, wish_s: float
) -> None:
    pause = pause_s(n, retry_after_s=wish_s)
    assert pause is not None
    assert pause >= min(wish_s, DAY_S)
    assert pause >= (1 - JITTER) * PAUSES_S[n - 1]
    assert pause <= max((1 + JITTER) * PAUSES_S[n - 1], DAY_S)


@given(st.integers(len(PAUSES_S) + 1, 10**6), st.none() | st.floats(0, 1e9))
def test_after_the_last_one_there_is_none(n: int, wish_s: float | None) -> None:
    assert pause_s(n, retry_after_s=wish_s) is None
