"""Tokens that must not be taken, each wrong in one way."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from .signing_key import SigningKey, compact, encoded

if TYPE_CHECKING:
    from .issuer import Issuer

Claims = dict[str, Any]


class Fault(NamedTuple):
    """``nobodys``: it is not even known for this issuer's, so that others may be asked."""

    summary: str
    make: Callable[[Issuer, Claims], str]
    nobodys: bool = False


def _saying(**changes: Any) -> Callable[[Issuer, Claims], str]:
    """A well signed token with other claims; a function gets the issuer, None leaves one out."""

    def make(issuer: Issuer, claims: Claims) -> str:
        return issuer.signed(_changed(claims, changes, issuer))

    return make


def _changed(usual: Claims, changes: Claims, issuer: Issuer) -> Claims:
    told = {name: value(issuer) if callable(value) else value for name, value in changes.items()}
    return {name: value for name, value in {**usual, **told}.items() if value is not None}


def _at(seconds: float) -> Callable[[Issuer], float]:
    return lambda issuer: int(issuer.now() + seconds)


def _raw(change: Callable[[str], str]) -> Callable[[Issuer, Claims], str]:
    """A well signed token whose payload is a text that was changed before it was signed."""
    return lambda issuer, claims: issuer.signed(change(json.dumps(claims)).encode())


def _expiring(number: str) -> Callable[[Issuer, Claims], str]:
    """Expiring at what is no number in JSON."""
    return _raw(lambda text: text.replace('"exp": ', f'"exp": {number}, "x": '))


def _headed(**header: Any) -> Callable[[Issuer, Claims], str]:
    return lambda issuer, claims: issuer.signed(claims, **header)


def _unsigned(algorithm: str) -> Callable[[Issuer, Claims], str]:
    def make(issuer: Issuer, claims: Claims) -> str:
        header = {**issuer.header(), "alg": algorithm}
        return (encoded(header) + b"." + encoded(claims) + b".").decode()

    return make


def _hmac(secret: Callable[[SigningKey], bytes], algorithm: str = "HS256") -> Any:
    """Signed with what everybody knows: the public key, taken for a shared secret."""

    def make(issuer: Issuer, claims: Claims) -> str:
        text = encoded({**issuer.header(), "alg": algorithm}) + b"." + encoded(claims)
        signature = hmac.digest(secret(issuer.keys[0]), text, hashlib.sha256)
        return (text + b"." + encoded(signature)).decode()

    return make


def _by_stranger(**changes: Any) -> Callable[[Issuer, Claims], str]:
    """Signed with a key that is not published; ``changes`` of its header, None leaves one out."""

    def make(issuer: Issuer, claims: Claims) -> str:
        header = _changed(issuer.header(issuer.stranger), changes, issuer)
        return compact(header, claims, issuer.stranger)

    return make


def _tampered(issuer: Issuer, claims: Claims) -> str:
    head, _, signature = issuer.signed(claims).split(".")
    changed = encoded({**claims, "permissions": ["staging:operator"], "sub": "eve"}).decode()
    return f"{head}.{changed}.{signature}"


def _cut(issuer: Issuer, claims: Claims) -> str:
    return issuer.signed(claims)[:-24]


def _without_signature(issuer: Issuer, claims: Claims) -> str:
    return issuer.signed(claims).rpartition(".")[0] + "."


def _other_algorithm(issuer: Issuer, claims: Claims) -> str:
    """In a way that is not published; with the published key, where it can sign so."""
    key = issuer.keys[0]
    other = "RS512" if key.algorithm == "RS256" else "RS256"
    signing = key if key.algorithm[:2] in ("RS", "PS") else SigningKey(other)
    return compact({**issuer.header(), "alg": other}, claims, signing, other)


def _own_kid(issuer: Issuer) -> str:
    return issuer.keys[0].kid


def _own_jwk(issuer: Issuer) -> dict[str, Any]:
    return issuer.stranger.jwk()


def _encrypted(issuer: Issuer, claims: Claims) -> str:
    return issuer.signed(claims) + ".e30.e30"


FAULTS: dict[str, Fault] = {
    "expired": Fault("It expired an hour ago.", _saying(iat=_at(-7200), exp=_at(-3600))),
    "not_yet": Fault("It holds from an hour on (`nbf`).", _saying(nbf=_at(3600))),
    "from_the_future": Fault("It was issued in an hour.", _saying(iat=_at(3600), exp=_at(7200))),
    "no_exp": Fault("It never expires.", _saying(exp=None)),
    "no_iat": Fault("It does not say when it was issued.", _saying(iat=None)),
    "no_iss": Fault("It names no issuer.", _saying(iss=None), nobodys=True),
    "no_aud": Fault("It names no audience.", _saying(aud=None)),
    "no_sub": Fault("It names no subject.", _saying(sub=None)),
    "other_issuer": Fault(
        "It names another issuer.", _saying(iss="https://other.example/"), nobodys=True
    ),
    "issuer_below": Fault(
        "It names an issuer whose name begins as this one's.",
        _saying(iss=lambda issuer: issuer.url + "/evil"),
        nobodys=True,
    ),
    "issuer_list": Fault(
        "It names this issuer in a list.", _saying(iss=lambda issuer: [issuer.url]), nobodys=True
    ),
    "other_audience": Fault("It is for somebody else.", _saying(aud="https://other.example")),
    "audience_part": Fault("It is for a part of our name.", _saying(aud=["https://api", "api"])),
    "audience_number": Fault("Its audience is a number.", _saying(aud=7)),
    "no_audiences": Fault("Its list of audiences is empty.", _saying(aud=[])),
    "subject_number": Fault("Its subject is a number.", _saying(sub=7)),
    "subject_empty": Fault("Its subject is empty.", _saying(sub="")),
    "subject_nul": Fault("Its subject has a NUL character.", _saying(sub="ada\0")),
    "exp_text": Fault("Its expiry is a text.", _saying(exp="4102444800")),
    "exp_true": Fault("Its expiry is `true`.", _saying(exp=True)),
    "exp_nan": Fault("Its expiry is NaN, so it is no JSON.", _expiring("NaN"), nobodys=True),
    "exp_infinite": Fault("Its expiry is 1e999.", _expiring("1e999"), nobodys=True),
    "iat_text": Fault("It was issued at a text.", _saying(iat="now")),
    "nbf_text": Fault("It holds from a text on.", _saying(nbf="now")),
    "alg_none": Fault("It is not signed, and says so.", _unsigned("none")),
    "alg_none_cased": Fault("The same, spelled otherwise.", _unsigned("nOnE")),
    "no_signature": Fault("It says that it is signed, and is not.", _without_signature),
    "hs256_pem": Fault("HMAC with the public key's file.", _hmac(SigningKey.pem)),
    "hs256_jwk": Fault(
        "HMAC with the public key's JSON.", _hmac(lambda key: json.dumps(key.jwk()).encode())
    ),
    "hs256_empty": Fault("HMAC with an empty secret.", _hmac(lambda key: b"")),
    "hs256_as_rs256": Fault("HMAC, and says it is RS256.", _hmac(SigningKey.pem, "RS256")),
    "other_key": Fault("Signed with another key under our `kid`.", _by_stranger(kid=_own_kid)),
    "unknown_kid": Fault("Signed with a key that is not published.", _by_stranger()),
    "no_kid": Fault("The same, and it names no key.", _by_stranger(kid=None)),
    "embedded_key": Fault("The same, with the key in its header.", _by_stranger(jwk=_own_jwk)),
    "key_elsewhere": Fault(
        "The same, and says where the key is.", _by_stranger(jku="http://127.0.0.1:9/keys")
    ),
    "kid_path": Fault("Its `kid` is a path.", _by_stranger(kid="../../../../dev/null")),
    "kid_object": Fault("Its `kid` is an object.", _by_stranger(kid={"a": 1})),
    "kid_long": Fault("Its `kid` is very long.", _by_stranger(kid="k" * 4000)),
    "other_algorithm": Fault("Signed in a way that is not published.", _other_algorithm),
    "critical": Fault("It has an unknown critical header.", _headed(crit=["odd"], odd=1)),
    "detached": Fault("Its payload is not encoded (`b64`).", _headed(crit=["b64"], b64=False)),
    "tampered": Fault("Its payload was changed after it was signed.", _tampered),
    "cut": Fault("Its signature was cut.", _cut),
    "payload_list": Fault("Its payload is a list.", _raw(lambda text: f"[{text}]"), nobodys=True),
    "payload_deep": Fault(
        "Its payload is very deep.",
        _raw(lambda text: text[:-1] + ', "x": ' + "[" * 4000 + "]" * 4000 + "}"),
        nobodys=True,
    ),
    "five_parts": Fault("It has five parts, as if encrypted.", _encrypted, nobodys=True),
    "large": Fault("It has 64 KiB.", _saying(x="x" * 65_536), nobodys=True),
}  # fmt: skip
"""By name. Every one of them is refused by an authenticator that does its work."""
