"""The authenticator: a token of the issuer, verified with the issuer's keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jwt
from jwt.exceptions import InvalidSubjectError
from jwt.types import Options

from staging_core.errors import Unauthorized
from staging_core.models import Credentials, Inspected, Principal

from .claims import check_times, principal_of
from .key_set import Keys, KeySet
from .published_key import ASYMMETRIC, PublishedKey
from .token import Token
from .trust import Trust

_OPTIONS: Options = {
    "require": ["exp", "iat", "iss", "aud", "sub"],
    # Judged by ``check_times``, which takes numbers only.
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "enforce_minimum_key_length": True,
}
_WORDS: tuple[tuple[type[jwt.PyJWTError], str], ...] = (
    (jwt.InvalidAudienceError, "The token is for another audience."),
    (jwt.MissingRequiredClaimError, "The token lacks a claim that it must have."),
    (InvalidSubjectError, "The token names no subject."),
)


class JwtAuth:
    """Implements ``Authenticator`` and ``Inspects`` for one issuer."""

    def __init__(
        self,
        trust: Trust,
        keys: KeySet,
        look: Callable[[], Any],
        clock: Callable[[], float],
    ) -> None:
        self._trust = trust
        self._keys = keys
        self._look = look
        self._clock = clock

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        """The person; None unless it is a token that names this issuer."""
        token = Token.read(credentials.bearer)
        if token is None or token.issuer not in self._trust.spellings:
            return None
        if token.algorithm not in ASYMMETRIC or not token.plain:
            raise Unauthorized("The token is signed in a way that is not accepted.")
        claims = await self._claims(credentials.bearer or "", token)
        expires_at = check_times(claims, self._clock(), self._trust.leeway_s)
        return principal_of(claims, self._trust, expires_at=expires_at)

    async def _claims(self, text: str, token: Token) -> dict[str, Any]:
        """The claims, by a key of the issuer; ``Unauthorized`` when none has signed the token."""
        tried: Keys = ()
        while keys := await self._keys.find(token.kid, token.algorithm, tried=tried):
            for key in keys:
                claims = self._verified(text, token.algorithm, key)
                if claims is not None:
                    return claims
            if token.kid is not None:
                break
            tried = (*tried, *keys)  # a token that names no key may be signed with a newer one
        raise Unauthorized("The token is not signed with a key of its issuer.")

    def _verified(self, text: str, algorithm: str, key: PublishedKey) -> dict[str, Any] | None:
        """The claims; None when another key signed. Times are for the installation's clock."""
        try:
            return jwt.decode(
                text,
                key=key.key,
                algorithms=[algorithm],
                audience=self._trust.audience,
                issuer=self._trust.spellings,
                options=_OPTIONS,
            )
        except jwt.InvalidSignatureError:
            return None
        except jwt.PyJWTError as wrong:
            words = (words for kind, words in _WORDS if isinstance(wrong, kind))
            raise Unauthorized(next(words, "The token is not valid.")) from wrong

    async def inspect(self) -> tuple[Inspected, ...]:
        """Whether the issuer answers, and with keys."""
        found: tuple[Inspected, ...] = await self._look()
        return found
