"""A key pair: what the issuer signs with, and what it publishes of it."""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

_CURVES: dict[str, ec.EllipticCurve] = {
    "ES256": ec.SECP256R1(),
    "ES384": ec.SECP384R1(),
    "ES512": ec.SECP521R1(),
}


class SigningKey:
    """A new key pair for ``algorithm``, under a ``kid`` of its own."""

    def __init__(self, algorithm: str = "RS256", *, bits: int = 2048) -> None:
        self.algorithm = algorithm
        self.kid = secrets.token_urlsafe(12)
        self.private: Any = _pair(algorithm, bits)

    def signature(self, text: bytes, algorithm: str | None = None) -> bytes:
        """The signature over ``text``, as JWS has it; by default with the key's own algorithm."""
        signed: bytes = get_default_algorithms()[algorithm or self.algorithm].sign(
            text, self.private
        )
        return signed

    def jwk(self, **changes: Any) -> dict[str, Any]:
        """The public key as it is published; ``None`` leaves a member out."""
        algorithm = get_default_algorithms()[self.algorithm]
        public = json.loads(algorithm.to_jwk(self.private.public_key()))
        public.pop("key_ops", None)
        told = {**public, "kid": self.kid, "alg": self.algorithm, "use": "sig", **changes}
        return {name: value for name, value in told.items() if value is not None}

    def pem(self) -> bytes:
        """The public key as a file would hold it."""
        encoded: bytes = self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return encoded


def _pair(algorithm: str, bits: int) -> Any:
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm in _CURVES:
        return ec.generate_private_key(_CURVES[algorithm])
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def encoded(part: Any) -> bytes:
    """A part of a token: bytes as they are, everything else as JSON, in Base64 for URLs."""
    plain = part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(plain).rstrip(b"=")


def compact(header: Any, payload: Any, key: SigningKey, algorithm: str | None = None) -> str:
    """A signed token of any header and payload, also of ones that no library would sign."""
    text = encoded(header) + b"." + encoded(payload)
    return (text + b"." + encoded(key.signature(text, algorithm))).decode()
