"""Which tokens are taken, and what their claims mean."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from staging_core.backends.jwt_auth.claims import check_times, claim, principal_of, role_of
from staging_core.backends.jwt_auth.token import Token
from staging_core.backends.jwt_auth.trust import Trust
from staging_core.errors import Unauthorized
from staging_core.models import ROLES, Credentials, Identity, Principal
from staging_core.testing.issuer import AUDIENCE, FAULTS

from .conftest import Start, World, person, told

TRUST = Trust(issuer="https://issuer.example", audience="api")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=10,
)

# --- good and wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/", "/realms/tests", "/realms/tests/"])
def test_a_good_token_is_taken_however_the_issuer_ends(start: Start, path: str) -> None:
    async def scenario() -> None:
        world = start(path)
        async with world.open() as auth:
            exp = int(time.time()) + 600
            ada = await person(auth, world.issuer.token("ada", exp=exp))
            assert ada == Principal(
                account_id="",
                user_id="",
                identity=Identity(issuer=world.issuer.url.rstrip("/"), subject="ada"),
                expires_at=exp + 30.0,
            )
            other = world.issuer.url.rstrip("/") + ("" if path.endswith("/") else "/")
            assert await person(auth, world.issuer.token("ada", exp=exp, iss=other)) == ada
            twice = world.issuer.url.rstrip("/") + "//"
            assert await told(auth, world.issuer.token("ada", iss=twice)) == "not mine"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "algorithm", ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"]
)
def test_every_algorithm_that_the_issuer_publishes_is_taken(start: Start, algorithm: str) -> None:
    async def scenario() -> None:
        world = start(algorithms=(algorithm,))
        async with world.open() as auth:
            assert await told(auth, world.issuer.token()) == "yes"
            for fault in ("other_algorithm", "other_key", "tampered", "alg_none", "hs256_pem"):
                assert await told(auth, world.issuer.token(fault=fault)) == "no", fault

    asyncio.run(scenario())


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("asked", [False, True], ids=["first", "later"])
def test_a_wrong_token_is_never_taken(world: World, fault: str, asked: bool) -> None:
    async def scenario() -> None:
        async with world.open() as auth:
            if asked:
                assert await told(auth, world.issuer.token()) == "yes"
            said = [await told(auth, world.issuer.token(fault=fault)) for _ in range(2)]
            assert said == ["not mine" if FAULTS[fault].nobodys else "no"] * 2
            assert await told(auth, world.issuer.token()) == "yes"

    asyncio.run(scenario())


def test_a_token_may_be_for_several_audiences(world: World) -> None:
    async def scenario() -> None:
        async with world.open() as auth:
            several = [AUDIENCE, "https://issuer.example/userinfo"]
            assert await told(auth, world.issuer.token(aud=several)) == "yes"
            assert await told(auth, world.issuer.token(aud=[*several, 7])) == "no"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"exp": -29}, "yes"),
        ({"exp": -31}, "no"),
        ({"iat": 29}, "yes"),
        ({"iat": 31}, "no"),
        ({"nbf": 29}, "yes"),
        ({"nbf": 31}, "no"),
        ({"exp": 0.5}, "yes"),
    ],
)
def test_clocks_may_be_half_a_minute_apart(
    world: World, claims: dict[str, float], said: str
) -> None:
    async def scenario() -> None:
        async with world.open() as auth:
            moved: dict[str, Any] = {
                name: world.clock() + seconds for name, seconds in claims.items()
            }
            assert await told(auth, world.issuer.token(**moved)) == said
        async with world.open(leeway_s="0") as strict:
            within = claims == {"exp": 0.5}
            said_strictly = await told(strict, world.issuer.token(**moved))
            assert said_strictly == ("yes" if within else "no")

    asyncio.run(scenario())


def test_two_issuers_beside_each_other_take_their_own_tokens_only(start: Start) -> None:
    async def scenario() -> None:
        one, other = start(), start()
        async with one.open() as auth, other.open() as other_auth:
            for world in (one, other):
                token = world.issuer.token()
                assert await told(auth, token) == ("yes" if world is one else "not mine")
                assert await told(other_auth, token) == ("yes" if world is other else "not mine")
            borrowed = other.issuer.signed(one.issuer.claims())
            assert await told(auth, borrowed) == "no"

    asyncio.run(scenario())


# --- what claims mean -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({}, "member"),
        ({"permissions": ["staging:operator"]}, "operator"),
        ({"permissions": ["read:things", "staging:admin"]}, "admin"),
        ({"permissions": ["operator", "admin"]}, "member"),
        ({"roles": ["operator"]}, "operator"),
        ({"roles": ["Operator", "ADMIN"]}, "member"),
        ({"roles": "viewer admin"}, "admin"),
        ({"https://example.com/roles": ["admin"]}, "admin"),
        ({"https://example.com/roles": ["admin"], "roles": ["operator"]}, "operator"),
        ({"https://example.com/my-roles": ["operator"]}, "member"),
        ({"scope": "staging:operator operator"}, "member"),
        ({"user_metadata": {"roles": ["operator"]}}, "member"),
        ({"role": "operator"}, "member"),
        ({"roles": {"operator": True}}, "member"),
        ({"roles": [["operator"], 7, None]}, "member"),
        ({"permissions": None, "roles": 7}, "member"),
    ],
)
def test_the_usual_claims_give_roles(claims: dict[str, Any], role: str) -> None:
    assert role_of(claims, TRUST) == role


def test_a_configured_claim_is_the_only_one_that_gives_roles(world: World) -> None:
    async def scenario() -> None:
        async with world.open(roles_claim="realm_access.roles") as auth:
            token = world.issuer.token
            nested = token(realm_access={"roles": ["offline_access", "operator"]})
            assert (await person(auth, nested)).role == "operator"
            usual = token(permissions=["staging:operator"], roles=["operator"])
            assert (await person(auth, usual)).role == "member"
        async with world.open(roles_claim="https%3A%2F%2Fexample.com%2Fgroups") as auth:
            groups: dict[str, Any] = {"https://example.com/groups": ["staging:admin"]}
            named = token(**groups)
            assert (await person(auth, named)).role == "admin"

    asyncio.run(scenario())


def test_a_claim_is_found_by_its_name_before_its_dots_are_read() -> None:
    claims = {"a.b": 1, "a": {"b": 2, "c": {"d": 3}}}
    assert claim(claims, "a.b") == 1
    assert claim(claims, "a.c.d") == 3
    assert claim(claims, "a.x.d") is None
    assert claim(claims, "a.b.c") is None


def test_a_configured_claim_names_the_account_and_nothing_else_does(world: World) -> None:
    async def scenario() -> None:
        token = world.issuer.token
        async with world.open() as auth:
            assert (await person(auth, token(org_id="acme", account_id="acme"))).account_id == ""
        async with world.open(account_claim="org_id") as auth:
            assert (await person(auth, token(org_id="acme"))).account_id == "acme"
            assert (await person(auth, token())).account_id == ""
            for wrong in ("", "two words", "ä", "a" * 256, 7, ["acme"], {"id": "acme"}):
                assert await told(auth, token(org_id=wrong)) == "no", wrong

    asyncio.run(scenario())


def test_with_a_scopes_claim_a_token_may_do_what_it_lists_and_without_any_nothing(
    world: World,
) -> None:
    async def scenario() -> None:
        token = world.issuer.token
        async with world.open() as auth:
            assert (await person(auth, token(scope="openid images:read"))).scopes == frozenset()
        async with world.open(scopes_claim="scope") as auth:
            for listed in ("openid images:read events:read", ["images:read", "events:read", 7]):
                found = await person(auth, token(scope=listed))
                assert found.scopes == {"images:read", "events:read"}
            for none in (
                "",
                "openid",
                "images",
                [],
                [["images:read"]],
                {"images:read": 1},
                7,
                None,
            ):
                assert await told(auth, token(scope=none)) == "no", none
            assert await told(auth, token()) == "no"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("claims", "email", "full_name"),
    [
        ({"email": "a@x", "name": "Ada"}, "a@x", "Ada"),
        ({"email": "a@x", "email_verified": True}, "a@x", None),
        ({"email": "a@x", "email_verified": False}, None, None),
        ({"https://example.com/email": "a@x", "https://example.com/name": "Ada"}, "a@x", "Ada"),
        ({"https://e/email": "a@x", "https://e/email_verified": False}, None, None),
        ({"email": ["a@x"], "name": {"first": "Ada"}}, None, None),
        ({"email": "", "name": ""}, None, None),
    ],
)
def test_email_and_name_are_what_the_issuer_says(
    claims: dict[str, Any], email: str | None, full_name: str | None
) -> None:
    identity = principal_of({"sub": "ada", **claims}, TRUST).identity
    assert identity is not None
    assert (identity.email, identity.full_name) == (email, full_name)


# --- whatever else they say -----------------------------------------------------------------------

CLAIMS = st.dictionaries(
    st.sampled_from(
        [
            *("sub", "iat", "exp", "nbf", "aud", "iss", "jti", "permissions", "roles", "email"),
            *("name", "email_verified", "org", "https://example.com/roles", "scope"),
        ]
    )
    | st.text(max_size=8),
    json_values,
    max_size=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(claims=CLAIMS, held=st.sampled_from([{}, {"scopes_claim": "scope"}]))
def test_whatever_well_signed_claims_say_there_is_an_answer(
    world: World, claims: dict[str, Any], held: dict[str, str]
) -> None:
    async def scenario() -> None:
        async with world.open(account_claim="org", **held) as auth:
            token = world.issuer.signed({**world.issuer.claims(), **claims})
            try:
                principal = await auth.authenticate(Credentials(bearer=token))
            except Unauthorized:
                return
            if principal is not None:
                payload = json.loads(json.dumps({**world.issuer.claims(), **claims}))
                assert principal.identity is not None
                assert principal.identity.subject == payload["sub"]
                assert principal.role in ROLES
                assert bool(principal.scopes) == bool(held)
                assert payload["exp"] > world.clock() - 30
                assert payload["iss"] in (world.issuer.url, world.issuer.url.rstrip("/"))
                assert AUDIENCE in payload["aud"]

    asyncio.run(scenario())


@given(CLAIMS, st.floats(0, 2e9), st.floats(0, 300))
def test_times_are_judged_or_refused(claims: dict[str, Any], now: float, leeway_s: float) -> None:
    try:
        check_times(claims, now, leeway_s)
    except Unauthorized:
        return
    assert claims["exp"] > now - leeway_s
    assert claims["iat"] <= now + leeway_s
    assert claims.get("nbf", 0) <= now + leeway_s


texts = st.text() | st.text("eyJ.-_=0aA", max_size=60)


@given(texts | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_a_token_or_none(text: str) -> None:
    read = Token.read(text)
    assert read is None or text.count(".") == 2


@given(CLAIMS)
def test_no_claim_but_the_named_ones_gives_a_role(claims: dict[str, Any]) -> None:
    giving = ("permissions", "roles")
    others = {
        name: value
        for name, value in claims.items()
        if name not in giving and not name.endswith("/roles")
    }
    assert role_of(others, TRUST) == "member"
