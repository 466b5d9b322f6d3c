"""What is heard of an address whose sign-ins fail too often."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staging_core import lockout
from staging_core.errors import RateLimited
from staging_core.lockout import KNOWN_S, WRONG_S, Lockout
from staging_core.models.secret_token import KEY_PREFIX, TICKET_PREFIX, new_token

HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def heard(door: Lockout, shown: str | None, place: str = HERE) -> bool:
    try:
        asyncio.run(door.check(place, shown))
    except RateLimited:
        return False
    return True


def locked(tries: int = 1) -> tuple[Lockout, Clock]:
    clock = Clock()
    door = Lockout(tries, clock)
    door.lock(HERE, 300, 40.0)
    return door, clock


def test_what_was_good_is_always_heard_until_it_is_wrong_once() -> None:
    door, clock = locked()
    door.was_good("a token")
    assert all(heard(door, "a token") for _ in range(50))
    door.was_wrong("a token")  # revoked meanwhile
    assert not heard(door, "a token")
    clock.now += 1
    assert not heard(door, "a token")


def test_what_was_good_long_ago_is_as_if_it_were_new() -> None:
    clock = Clock()
    door = Lockout(1, clock)
    door.was_good("a token")
    clock.now += KNOWN_S
    door.lock(HERE, 300, 40.0)
    assert [heard(door, "a token") for _ in range(2)] == [True, False]


@given(shown=st.lists(st.text(min_size=1), unique=True), tries=st.integers(1, 20))
def test_of_new_ones_so_many_are_heard_in_a_second(shown: list[str], tries: int) -> None:
    door, clock = locked(tries)
    for _ in range(2):
        assert sum(heard(door, each) for each in shown) == min(tries, len(shown))
        clock.now += 1


def test_what_cannot_be_a_key_or_a_ticket_takes_nobodys_place() -> None:
    door, _ = locked()
    for prefix in (KEY_PREFIX, TICKET_PREFIX):
        assert not any(heard(door, f"{prefix}{number:038}") for number in range(50))
    assert heard(door, new_token(KEY_PREFIX))


def test_what_is_shown_again_and_again_and_wrong_takes_nobodys_place() -> None:
    door, clock = locked()
    assert heard(door, "old")
    door.was_wrong("old")
    clock.now += 1
    assert not any(heard(door, "old") for _ in range(50))
    assert heard(door, "new")
    clock.now += WRONG_S
    door.lock(HERE, 300, 40.0)
    assert heard(door, "old")  # an issuer's new key may have come meanwhile


def test_other_addresses_and_those_who_show_nothing_are_heard_and_all_are_afterwards() -> None:
    door, clock = locked()
    assert heard(door, "new", ELSEWHERE)
    assert all(heard(door, None) for _ in range(50))
    refusal = door.refusal(HERE)
    assert refusal is not None
    assert (refusal.limit, refusal.retry_after_s) == (300, 40.0)
    clock.now += 40
    assert all(heard(door, f"token {number}") for number in range(50))
    assert door.refusal(HERE) is None


def test_however_many_are_shown_little_is_kept_and_the_good_ones_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lockout, "_MOST_KNOWN", 10)
    monkeypatch.setattr(lockout, "_MOST_LOCKED", 10)
    door, _ = locked()
    door.was_good("a token")
    for number in range(100):
        door.was_wrong(f"wrong {number}")
        door.lock(f"place {number}", 1, 40.0)
    assert len(door._wrong._until) <= 10
    assert len(door._locked) <= 10
    door.lock(HERE, 300, 40.0)
    assert all(heard(door, "a token") for _ in range(5))
