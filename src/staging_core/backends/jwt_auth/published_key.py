"""A public key as the issuer publishes it, and which algorithms it may be used with."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import InvalidKeyError, PyJWKError

ASYMMETRIC = frozenset(
    {
        *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
        *("ES256", "ES384", "ES512", "EdDSA"),
    }
)
"""All that is ever accepted: no shared secret, and never no signature, whatever is published."""

_BY_CURVE = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}
_PUBLIC = ("kty", "n", "e", "crv", "x", "y")
_LEAST_BITS = 2048
_MOST_KEYS = 100


class PublishedKey(msgspec.Struct, frozen=True, kw_only=True):
    """``algorithms``: what a token may name that is verified with this key."""

    kid: str | None
    algorithms: frozenset[str]
    key: Any

    @classmethod
    def read(cls, jwk: Any, published: Collection[str]) -> PublishedKey | None:
        """The key of a JWK (RFC 7517); None for one that verifies nothing, or not safely.

        ``published``: the algorithms that the issuer says it signs with, where the key says none.
        """
        if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig":
            return None
        if "verify" not in jwk.get("key_ops", ["verify"]):
            return None
        algorithms = _algorithms(jwk, published)
        if not algorithms:
            return None
        try:
            plain = {name: jwk[name] for name in _PUBLIC if name in jwk}
            key = PyJWK(plain, algorithm=min(algorithms)).key
        except (InvalidKeyError, PyJWKError, ValueError, TypeError, AttributeError, KeyError):
            return None
        if isinstance(key, RSAPublicKey) and key.key_size < _LEAST_BITS:
            return None
        kid = jwk.get("kid")
        return cls(kid=kid if isinstance(kid, str) else None, algorithms=algorithms, key=key)


def read_keys(document: dict[str, Any], published: Collection[str]) -> tuple[PublishedKey, ...]:
    """All usable keys of a key set; ``ValueError`` when it is none, or has none."""
    keys = document.get("keys")
    if not isinstance(keys, list):
        raise ValueError("there is no list of keys in it")
    read = (PublishedKey.read(jwk, published) for jwk in keys[:_MOST_KEYS])
    usable = tuple(key for key in read if key is not None)
    if not usable:
        raise ValueError("there is no usable key in it")
    return usable


def _algorithms(jwk: dict[str, Any], published: Collection[str]) -> frozenset[str]:
    """The key's own word; else what fits its kind and the issuer publishes, and RS256."""
    if "alg" in jwk:
        named = {jwk["alg"]} if isinstance(jwk["alg"], str) else set()
    else:
        named = {*published, "RS256"}
    return frozenset(named & ASYMMETRIC & _fitting(jwk))


def _fitting(jwk: dict[str, Any]) -> set[str]:
    kind, curve = jwk.get("kty"), jwk.get("crv")
    if kind == "RSA":
        return {name for name in ASYMMETRIC if name[:2] in ("RS", "PS")}
    fits = _BY_CURVE.get(curve) if isinstance(curve, str) and kind in ("EC", "OKP") else None
    return {fits} if fits else set()
