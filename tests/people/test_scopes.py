"""Scopes hold a principal to less than its role: every method says which one it needs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staging_core import Principal, Staging
from staging_core.acting import Acting
from staging_core.errors import BadInput, Forbidden
from staging_core.models import SCOPES, check_scope, checked_scopes

from .conftest import Install, in_the_process

# Made of other methods, which say what they need.
COMPOSED = {"wait"}


def methods(me: Acting) -> Iterator[tuple[str, Any]]:
    """Every public method of what ``acting_as`` gives, and of the nouns on it."""
    nouns = {name: noun for name, noun in vars(me).items() if not name.startswith("_")}
    for where, subject in {"": me, **nouns}.items():
        for name in dir(type(subject)):
            method = getattr(subject, name)
            ours = type(subject).__module__.startswith("staging_core.") and callable(method)
            if ours and not name.startswith("_") and subject is not me.principal:
                yield f"{where}.{name}".lstrip("."), method


def acting(staging: Staging, *scopes: str) -> Acting:
    return staging.acting_as(Principal(account_id="a", scopes=frozenset(scopes)))


@in_the_process
def test_every_method_of_every_noun_needs_a_scope_that_exists(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            needed = {
                name: getattr(method, "scope", None) for name, method in methods(acting(staging))
            }
            assert {"images.submit", "jobs.history", "events", "profile.patch"} <= needed.keys()
            without = {name for name, scope in needed.items() if scope not in SCOPES}
            assert without == COMPOSED

    asyncio.run(scenario())


@in_the_process
def test_a_method_whose_scope_is_missing_does_nothing(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            for name, method in methods(acting(staging, "nothing")):
                if name not in COMPOSED:
                    with pytest.raises(Forbidden, match=method.scope):
                        method()

    asyncio.run(scenario())


@in_the_process
def test_a_scope_opens_its_methods_and_no_others(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            reader = acting(staging, "images:read")
            assert await reader.images.page() == []
            with pytest.raises(Forbidden, match="images:write"):
                await reader.images.submit(b"", room="bedroom", style="modern")
            with pytest.raises(Forbidden, match="events:read"):
                reader.events()
            assert isinstance(acting(staging, "events:read").events(), AsyncIterator)
            assert await acting(staging).images.page() == []

    asyncio.run(scenario())


def test_an_operators_key_operates_only_with_the_scope_for_it(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            held = Principal(account_id="a", role="operator", scopes=frozenset({"images:write"}))
            with pytest.raises(Forbidden, match="installation:operate"):
                staging.operating_as(held)
            member = Principal(account_id="a", scopes=frozenset({"installation:operate"}))
            with pytest.raises(Forbidden, match="operator"):
                staging.operating_as(member)

    asyncio.run(scenario())


@given(st.sets(st.sampled_from(list(SCOPES))), st.sampled_from(list(SCOPES)))
def test_what_scopes_allow(held: set[str], asked: str) -> None:
    principal = Principal(account_id="a", scopes=frozenset(held))
    writes = asked.endswith(":read") and asked.replace(":read", ":write") in held
    assert principal.may(asked) is (not held or asked in held or writes)
    if principal.may(asked):
        check_scope(principal, asked)


def test_scopes_that_do_not_exist_are_named_with_the_nearest() -> None:
    assert checked_scopes(["images:read", "images:read"]) == {"images:read"}
    with pytest.raises(BadInput, match="'images:reed'") as caught:
        checked_scopes(["images:reed"])
    assert "images:read" in caught.value.remedy
    with pytest.raises(BadInput, match="at least one"):
        checked_scopes([])
