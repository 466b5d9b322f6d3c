"""A profile changes in what a patch names, and in nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staging_core import OWNER, Principal
from staging_core.errors import BadInput, ValidationFailed
from staging_core.profile_change import FIELDS, MOST_PREFERENCES_BYTES, changed, merged

from .conftest import Install, both, signed_in, token

# RFC 7396, appendix A: the original, the patch, the result.
EXAMPLES: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]

json = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)
objects = st.dictionaries(st.text(max_size=2), json)


@pytest.mark.parametrize(("before", "patch", "after"), EXAMPLES)
def test_a_patch_is_merged_as_its_standard_shows(before: Any, patch: Any, after: Any) -> None:
    assert merged(before, patch) == after


@given(objects, objects)
def test_a_patch_that_comes_twice_is_one(before: dict[str, Any], patch: dict[str, Any]) -> None:
    once = merged(before, patch)
    assert merged(once, patch) == once
    assert {name: once[name] for name in before.keys() - patch.keys()} == {
        name: before[name] for name in before.keys() - patch.keys()
    }
    assert not {name for name, value in patch.items() if value is None} & once.keys()


@both
def test_a_profile_keeps_what_a_patch_does_not_name(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(await signed_in(staging, token(email="ada@example.com")))
            first = await me.profile.get()
            assert first.created_at == first.updated_at
            assert (first.preferences, first.billing_address) == ({}, None)
            await me.profile.patch(
                {
                    "phone": "+44 20 7946 0958",
                    "billing_address": {"line1": "12 St James's Square", "country": "GB"},
                    "preferences": {"default_style": "bohemian", "tips": {"upload": True}},
                }
            )
            told = await me.profile.patch(
                {
                    "company_name": "Analytical Engines",
                    "billing_address": {"line1": None, "city": "London"},
                    "preferences": {"tips": {"upload": None, "pay": 1.5}},
                    "profile_photo_url": "https://cdn.example/ada.jpg?size=2",
                }
            )
            assert told == await me.profile.get()
            assert told.email == "ada@example.com"
            assert told.phone == "+44 20 7946 0958"
            assert told.company_name == "Analytical Engines"
            assert told.billing_address == {"country": "GB", "city": "London"}
            assert told.preferences == {"default_style": "bohemian", "tips": {"pay": 1.5}}
            assert told.updated_at > first.updated_at
            unchanged = await me.profile.patch({})
            assert unchanged == told

    asyncio.run(scenario())


@both
def test_null_and_an_empty_text_clear_a_field(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(await signed_in(staging, token()))
            full = {"phone": "1", "company_name": "A", "billing_address": {"country": "GB"}}
            await me.profile.patch({**full, "preferences": {"a": 1}})
            told = await me.profile.patch(
                {"phone": "", "company_name": None, "billing_address": None, "preferences": None}
            )
            assert (told.phone, told.company_name, told.billing_address) == (None, None, None)
            assert told.preferences == {}
            assert told == await me.profile.get()

    asyncio.run(scenario())


@both
def test_patches_at_one_moment_are_all_kept(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(await signed_in(staging, token()))
            await asyncio.gather(
                *(me.profile.patch({"preferences": {f"n{n}": n}}) for n in range(12)),
                me.profile.patch({"phone": "1"}),
            )
            told = await me.profile.get()
            assert told.preferences == {f"n{n}": n for n in range(12)}
            assert told.phone == "1"

    asyncio.run(scenario())


def deep(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels):
        value = {"a": value}
    return value


WRONG: list[tuple[str, Any]] = [
    ("role", "operator"),
    ("id", "another"),
    ("stripe_customer_id", "cus_1"),
    ("colour", "red"),
    ("email", "nobody"),
    ("email", "a" * 320 + "@example.com"),
    ("email", 7),
    ("full_name", "Ada\nLovelace"),
    ("full_name", "a" * 256),
    ("phone", "\0"),
    ("phone", ["1"]),
    ("profile_photo_url", "javascript:alert(1)"),
    ("profile_photo_url", "https://user:secret@example.com/"),
    ("profile_photo_url", "https://[half/"),
    ("billing_address", "London"),
    ("billing_address", {"country": 44}),
    ("billing_address", {"country": {"code": "GB"}}),
    ("billing_address", {str(n): "x" for n in range(21)}),
    ("preferences", ["a"]),
    ("preferences", {"a": "x" * MOST_PREFERENCES_BYTES}),
    ("preferences", deep(11)),
    ("preferences", deep(5000)),
    ("preferences", {"a": "\0"}),
    ("preferences", {"\ud800": 1}),
    ("preferences", {"a": "\ud800"}),
    ("preferences", {"a": 2**70}),
    ("preferences", {"a": float("nan")}),
    ("preferences", {"a": object()}),
    ("preferences", {1: 2}),
]


@pytest.mark.parametrize(
    ("field", "value"), WRONG, ids=[f"{field}-{n}" for n, (field, _) in enumerate(WRONG)]
)
def test_a_wrong_field_is_named_and_nothing_is_changed(
    install: Install, field: str, value: Any
) -> None:
    async def scenario() -> None:
        async with install() as staging:
            me = staging.acting_as(await signed_in(staging, token()))
            before = await me.profile.get()
            with pytest.raises(ValidationFailed) as caught:
                await me.profile.patch({"company_name": "Analytical Engines", field: value})
            assert caught.value.fields.keys() == {field}
            assert f"`{field}`" in caught.value.message
            assert await me.profile.get() == before

    asyncio.run(scenario())


def test_every_wrong_field_is_named_at_once() -> None:
    with pytest.raises(ValidationFailed) as caught:
        changed({}, {"email": "x", "phone": 1, "full_name": "Ada"})
    assert caught.value.fields.keys() == {"email", "phone"}
    assert (caught.value.code, caught.value.status) == ("validation_failed", 422)


@given(st.dictionaries(st.sampled_from([*FIELDS, "role"]), json | st.floats() | st.binary()))
def test_any_patch_is_taken_or_refused_by_name(changes: dict[str, Any]) -> None:
    try:
        values = changed({}, changes)
    except ValidationFailed as refused:
        named = refused.fields.keys()
    else:
        named = values.keys()
    assert named <= changes.keys()
    assert named or not changes


@both
def test_users_whom_the_host_names_have_profiles_too(install: Install) -> None:
    async def scenario() -> None:
        async with install() as staging:
            owner = await staging.acting_as(OWNER).profile.get()
            assert (owner.id, owner.account_id, owner.role) == ("owner", "local", "operator")
            namesakes = [
                staging.acting_as(Principal(account_id=account_id, user_id="7"))
                for account_id in ("one", "two")
            ]
            await asyncio.gather(*(each.profile.get() for each in [*namesakes, *namesakes]))
            await namesakes[0].profile.patch({"phone": "1"})
            assert (await namesakes[1].profile.get()).phone is None
            with pytest.raises(BadInput, match="user id"):
                await staging.acting_as(Principal(account_id="one", user_id="\0")).profile.get()

    asyncio.run(scenario())
