"""One listing for many finds: what a look did not come to see is never taken for absent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .listed_account import ListedAccount, listed_account


def looking(story: Callable[[ListedAccount], Awaitable[None]]) -> None:
    with listed_account() as account:
        asyncio.run(story(account))  # type: ignore[arg-type]


def busy_minutes(account: ListedAccount, minutes: int, *, by_file: bool = False) -> None:
    """Other predictions, three a minute."""
    for minute in range(minutes):
        for n in range(3):
            account.now += 20
            account.create(f"other-{account.now}-{minute}-{n}", by_file=by_file)


def test_what_lies_behind_an_early_find_is_still_looked_for() -> None:
    async def story(account: ListedAccount) -> None:
        began = account.now
        account.create("first")
        assert await account.find("none", since=began - 60) is None
        account.now += 200
        account.create("lost")
        busy_minutes(account, 10)
        account.create("newest")
        account.now += 5
        assert await account.find("newest", since=began) == "p-newest", "the first page holds it"
        account.now += 5
        assert await account.find("lost", since=began) == "p-lost"

    looking(story)


@pytest.mark.parametrize("breaks", ["fails", "hangs"])
def test_what_lies_behind_a_page_that_broke_off_is_still_looked_for(breaks: str) -> None:
    async def story(account: ListedAccount) -> None:
        began = account.now
        account.create("first")
        assert await account.find("none", since=began - 60) is None
        account.now += 200
        account.create("lost")
        busy_minutes(account, 10)
        account.now += 5
        assert await account.find("lost", since=began, page_1=breaks) is None
        account.now += 5
        assert await account.find("lost", since=began) == "p-lost"

    looking(story)


def test_a_look_that_does_not_join_the_last_one_leaves_no_gap() -> None:
    async def story(account: ListedAccount) -> None:
        began = account.now
        account.create("first")
        assert await account.find("none", since=began - 60) is None
        account.now += 600
        account.create("lost")
        busy_minutes(account, 60)
        assert await account.find("none", since=account.now - 300) is None
        account.now += 5
        assert await account.find("lost", since=began) == "p-lost"

    looking(story)


def test_the_upload_that_names_an_attempt_stays_known() -> None:
    async def story(account: ListedAccount) -> None:
        began = account.now
        account.create("lost", late_s=110, by_file=True)
        assert await account.find("lost", since=began - 60) is None
        for _ in range(2):
            busy_minutes(account, 5, by_file=True)
            assert await account.find("none", since=began - 60) is None
        account.now += 5
        assert await account.find("lost", since=began - 60) == "p-lost"

    looking(story)


def test_what_was_listed_is_not_listed_again() -> None:
    async def story(account: ListedAccount) -> None:
        began = account.now
        busy_minutes(account, 60)
        assert await account.find("none", since=began - 60) is None
        assert account.pages == 60
        for _ in range(10):
            account.now += 5
            assert await account.find("none", since=began - 60) is None
        assert account.pages <= 60 + 10 * 3

    looking(story)


def test_what_was_made_hours_ago_is_forgotten() -> None:
    async def story(account: ListedAccount) -> None:
        for hour in range(8):
            account.create(f"old-{hour}", by_file=True)
            busy_minutes(account, 60)
            await account.find("none", since=account.now - 3600)
        assert len(account.listing._uploads) <= 4
        assert len(account.listing._seen) <= 4 * 181

    looking(story)


STEPS = st.one_of(
    st.tuples(st.just("others"), st.sampled_from([1.0, 5.0])),
    st.tuples(st.just("wait"), st.sampled_from([1.0, 30.0, 130.0, 600.0])),
    st.tuples(st.just("create"), st.sampled_from([0.0, 20.0, 119.0])),
    st.tuples(st.just("upload"), st.sampled_from([0.0, 20.0, 119.0])),
    st.tuples(st.just("find"), st.integers(0, 40)),
    st.tuples(st.just("fails"), st.integers(0, 3)),
    st.tuples(st.just("hangs"), st.integers(0, 3)),
)


@given(st.lists(STEPS, max_size=40), st.integers(60, 1800))
def test_whatever_happened_before_what_replicate_lists_is_found(
    steps: list[tuple[str, float]], back_s: int
) -> None:
    """Within an hour, by a look that is not disturbed."""

    async def story(account: ListedAccount) -> None:
        asked: dict[str, float] = {}
        for kind, value in steps:
            if kind == "wait":
                account.now += value
            elif kind == "others":
                busy_minutes(account, int(value), by_file=value > 1)
            elif kind in ("create", "upload"):
                account.now += 0.5
                name = f"a{len(asked)}"
                asked[name] = account.now
                account.create(name, late_s=value, by_file=kind == "upload")
            elif asked:
                names = list(asked)
                name = names[int(value) % len(names)]
                broken = {f"page_{int(value)}": kind} if kind != "find" else {}
                await account.find(name, since=asked[name] - back_s, **broken)
        account.now += 121
        for name, at in asked.items():
            if account.now - at < 3600:
                found = await account.find(name, since=at - back_s)
                assert found == f"p-{name}", name
                account.now += 2

    looking(story)
