"""The issuer: its keys, its clock, and the tokens it gives."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec

from .faults import FAULTS
from .signing_key import SigningKey, compact

AUDIENCE = "https://api.staging.example"
LIVES_S = 3600
MODES: dict[str, str] = {
    "well": "Answers.",
    "outage": "Answers 503 to every question about its keys.",
    "hangs_up": "Cuts the connection without a word.",
    "slow": "Answers after `slow_s` seconds.",
    "garbage": "Answers with a page instead of JSON.",
    "huge": "Answers with more than anybody should read.",
    "packed": "Answers with compressed content that nobody asked for.",
    "redirect": "Sends elsewhere.",
    "no_discovery": "Has no discovery document, only `/.well-known/jwks.json`.",
    "other_issuer": "Its discovery document names another issuer.",
    "keys_elsewhere": "Its discovery document puts the keys on a host that is not on loopback.",
    "no_keys": "Publishes an empty set of keys.",
    "odd_keys": "Publishes unusable keys beside the good ones.",
}
"""What it may do when it is asked for its keys."""


class Fetch(msgspec.Struct, frozen=True, kw_only=True):
    """One question about its keys: which path, when (by its clock), and in which mode."""

    path: str
    at: float
    mode: str


class Issuer:
    """Keys and tokens of one issuer; the HTTP around it is ``IssuerApp``.

    ``url``: what ``iss`` says, set when it is served. ``algorithms``: of its keys, the first signs.
    ``clock``: Unix seconds; ``advance`` moves it on from there.
    """

    def __init__(
        self,
        *,
        url: str = "http://127.0.0.1",
        audience: str = AUDIENCE,
        algorithms: tuple[str, ...] = ("RS256",),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.url = url
        self.audience = audience
        self.mode = "well"
        self.slow_s = 0.0
        self.fetches: list[Fetch] = []
        self.keys = [SigningKey(algorithm) for algorithm in algorithms]
        self.stranger = SigningKey(algorithms[0])
        self._clock = clock
        self._moved_s = 0.0

    def now(self) -> float:
        """Unix seconds, as it sees them."""
        return self._clock() + self._moved_s

    def advance(self, seconds: float) -> None:
        """Let time pass here."""
        self._moved_s += seconds

    def rotate(self, *, drop_old: bool = False) -> str:
        """Sign with a new key from now on; its ``kid``. ``drop_old``: withdraw the old ones."""
        new = SigningKey(self.keys[0].algorithm)
        self.keys = [new] if drop_old else [new, *self.keys]
        return new.kid

    def set_mode(self, mode: str, *, slow_s: float = 0.0) -> None:
        """How it answers from now on; ``ValueError`` for a mode that there is none of."""
        if mode not in MODES:
            raise ValueError(f"There is no mode {mode!r}; there are {', '.join(MODES)}.")
        self.mode, self.slow_s = mode, slow_s

    def claims(self, subject: str = "ada", **claims: Any) -> dict[str, Any]:
        """What a token says; ``claims`` add to it and replace, ``None`` leaves one out."""
        now = int(self.now())
        usual = {
            "iss": self.url,
            "aud": self.audience,
            "sub": subject,
            "iat": now,
            "exp": now + LIVES_S,
        }
        return {name: value for name, value in {**usual, **claims}.items() if value is not None}

    def token(self, subject: str = "ada", *, fault: str | None = None, **claims: Any) -> str:
        """A token for ``subject``, good or with one of ``FAULTS``."""
        said = self.claims(subject, **claims)
        if fault is not None:
            if fault not in FAULTS:
                raise ValueError(f"There is no fault {fault!r}; there are {', '.join(FAULTS)}.")
            return FAULTS[fault].make(self, said)
        return self.signed(said)

    def signed(self, payload: Any, **header: Any) -> str:
        """A token of this payload, signed with the newest key; ``header`` adds to its header."""
        return compact({**self.header(), **header}, payload, self.keys[0])

    def header(self, key: SigningKey | None = None) -> dict[str, Any]:
        """What the header of a token says that is signed with ``key``, else with the newest."""
        signing = key or self.keys[0]
        return {"alg": signing.algorithm, "typ": "JWT", "kid": signing.kid}

    def published(self) -> dict[str, Any]:
        """Its key set (RFC 7517)."""
        if self.mode == "no_keys":
            return {"keys": []}
        good = [key.jwk() for key in self.keys]
        return {"keys": [*_odd_keys(self.keys[0]), *good] if self.mode == "odd_keys" else good}

    def discovery(self, base_url: str) -> dict[str, Any]:
        """Its discovery document (OpenID Connect Discovery 1.0)."""
        issuer = "https://other.example/" if self.mode == "other_issuer" else self.url
        elsewhere = self.mode == "keys_elsewhere"
        return {
            "issuer": issuer,
            "jwks_uri": f"{'http://keys.example' if elsewhere else base_url}/.well-known/jwks.json",
            "token_endpoint": f"{base_url}/oauth/token",
            "id_token_signing_alg_values_supported": [
                *dict.fromkeys(key.algorithm for key in self.keys),
                "HS256",
                "none",
            ],
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
        }


def _odd_keys(good: SigningKey) -> list[Any]:
    """What stands in key sets and is of no use: of other kinds, broken, too short, or secret."""
    short = SigningKey("RS256", bits=1024)
    return [
        None,
        "key",
        {},
        {"kty": "oct", "k": "c2VjcmV0", "alg": "HS256", "kid": good.kid},
        {"kty": "RSA", "kid": "no-numbers", "alg": "RS256"},
        {"kty": "EC", "crv": "P-999", "kid": "no-curve", "x": "AA", "y": "AA"},
        {"kty": ["RSA"], "kid": {"a": 1}},
        good.jwk(use="enc", kid="encrypts"),
        good.jwk(alg="RSA-OAEP", kid="encrypts-too"),
        short.jwk(),
    ]
