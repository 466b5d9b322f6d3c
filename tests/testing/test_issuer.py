"""The issuer for tests is one that others' software understands, and its faults are faults."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import jwt
import pytest

from staging_core.testing import issuer as package
from staging_core.testing.issuer import (
    FAULTS,
    MODES,
    RunningIssuer,
    issuer_process,
    running_issuer,
)
from staging_core.testing.issuer.__main__ import main, parser

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/test-doubles.md"
SECTION = PAGE.read_text("utf-8").partition("## An issuer")[2].partition("\n## ")[0]
PROSE = re.sub(r"```.*?```", "", SECTION, flags=re.DOTALL)
WORDS = set(re.findall(r"[\w-]+", " ".join(re.findall(r"`[^`]+`", PROSE))))

# What PyJWT does not mind, and we do.
LENIENT = {"subject_empty", "subject_nul", "exp_text", "large"}


@pytest.fixture(scope="module")
def issuer() -> Iterator[RunningIssuer]:
    with running_issuer("/") as running:
        yield running


def published(issuer: RunningIssuer) -> jwt.PyJWKSet:
    """Its keys, found as OpenID Connect Discovery says."""
    document = httpx.get(f"{issuer.url}.well-known/openid-configuration").json()
    assert document["issuer"] == issuer.url
    return jwt.PyJWKSet.from_dict(httpx.get(document["jwks_uri"]).json())


def decoded(issuer: RunningIssuer, token: str) -> dict[str, object]:
    """The claims, as a service would read them that uses PyJWT alone."""
    keys = published(issuer)
    kid = jwt.get_unverified_header(token).get("kid")
    key = keys[kid] if kid is not None else keys.keys[0]
    claims: dict[str, object] = jwt.decode(
        token,
        key,
        algorithms=["RS256"],
        audience=issuer.audience,
        issuer=issuer.url,
        options={"require": ["exp", "iat", "iss", "aud", "sub"]},
    )
    return claims


def test_its_tokens_are_good_ones(issuer: RunningIssuer) -> None:
    claims = decoded(issuer, issuer.token("ada", email="ada@example.com"))
    assert claims["sub"] == "ada"
    assert claims["email"] == "ada@example.com"
    assert "aud" not in jwt.decode(
        issuer.token(aud=None), options={"verify_signature": False, "verify_aud": False}
    )


@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - LENIENT))
def test_its_faults_are_refused_by_others_too(issuer: RunningIssuer, fault: str) -> None:
    with pytest.raises((jwt.PyJWTError, KeyError, OverflowError)):
        decoded(issuer, issuer.token(fault=fault))


def test_it_rotates_and_counts_who_asks(issuer: RunningIssuer) -> None:
    before = len(issuer.fetches("jwks.json"))
    old = issuer.token()
    kid = issuer.rotate()
    assert jwt.get_unverified_header(issuer.token())["kid"] == kid
    decoded(issuer, old)
    issuer.rotate(drop_old=True)
    with pytest.raises(KeyError):
        decoded(issuer, old)
    assert len(issuer.fetches("jwks.json")) == before + 2


def test_what_it_does_not_know_is_refused(issuer: RunningIssuer) -> None:
    for wrong in (
        lambda: issuer.token(fault="colour"),
        lambda: issuer.mode("colour"),
        lambda: issuer._asked("POST", "/_nothing", {}),
    ):
        with pytest.raises(ValueError, match="answered 40"):
            wrong()


def test_it_runs_as_a_process_with_another_algorithm_and_time() -> None:
    with issuer_process(["--path", "/realms/tests", "--algorithm", "ES256"]) as issuer:
        assert issuer.url.endswith("/realms/tests")
        assert f"{issuer.url}?" in issuer.auth()
        before = jwt.decode(issuer.token(), options={"verify_signature": False})
        issuer.advance(86_400)
        after = jwt.decode(issuer.token(), options={"verify_signature": False})
        assert after["iat"] - before["iat"] >= 86_400
        assert jwt.get_unverified_header(issuer.token())["alg"] == "ES256"


def test_a_port_that_is_taken_and_an_unknown_algorithm_are_named(
    issuer: RunningIssuer, capsys: pytest.CaptureFixture[str]
) -> None:
    port = issuer.url.rstrip("/").rpartition(":")[2]
    assert main(["--port", port]) == 2
    assert "issuer: " in capsys.readouterr().err


def test_everything_about_it_is_documented() -> None:
    assert set(package.__all__) - {"AUDIENCE", "Issuer", "Fault"} <= WORDS
    assert {name for name in vars(RunningIssuer) if not name.startswith("_")} - {"issuer"} <= WORDS
    assert FAULTS.keys() <= WORDS
    assert MODES.keys() <= WORDS
    options = {option for action in parser()._actions for option in action.option_strings}
    assert options - {"-h", "--help"} <= WORDS
