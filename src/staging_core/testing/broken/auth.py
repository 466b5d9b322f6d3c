"""Authenticators that break one sentence each."""

from __future__ import annotations

from staging_core.backends.local_auth import LocalAuth
from staging_core.errors import Unauthorized
from staging_core.models import Credentials, Principal
from staging_core.testing.conformance import AuthConformance

from .row import Broken, broken


class NoAccount(LocalAuth):
    """Knows the user and not the account."""

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        known = await super().authenticate(credentials)
        return Principal(account_id="") if known else None


class AnotherUserEachTime(LocalAuth):
    """Makes a new user at every sign-in."""

    def __init__(self) -> None:
        self._users = 0

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        self._users += 1
        known = await super().authenticate(credentials)
        return Principal(account_id="local", user_id=f"user-{self._users}") if known else None


class ClaimsEveryToken(LocalAuth):
    """Turns away what is another's."""

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        if credentials.bearer is not None:
            raise Unauthorized("The token is wrong.")
        return await super().authenticate(credentials)


class LetsTheWrongPass(LocalAuth):
    """Says "not mine" where it should turn away."""

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        try:
            return await super().authenticate(credentials)
        except Unauthorized:
            return None


class TripsOverOddTokens(LocalAuth):
    """Expects ASCII."""

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        (credentials.bearer or "").encode("ascii")
        return await super().authenticate(credentials)


class ShowsTheToken(LocalAuth):
    """Repeats the token in its error."""

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        if credentials.bearer and "." in credentials.bearer:
            raise Unauthorized(f"The token {credentials.bearer} is wrong.")
        return await super().authenticate(credentials)


class _Suite(AuthConformance):
    mine = (Credentials(loopback=True),)
    not_mine = (Credentials(bearer="token"), Credentials(bearer="token", loopback=True))
    wrong = (Credentials(),)


def _auth(backend: type[LocalAuth], *fails: str) -> Broken:
    return broken(_Suite, backend, *fails)


BROKEN_AUTH = (
    _auth(NoAccount, "test_what_is_mine_gives_a_principal"),
    _auth(AnotherUserEachTime, "test_the_same_credentials_give_the_same_principal"),
    _auth(ClaimsEveryToken, "test_what_is_not_mine_gives_none"),
    _auth(LetsTheWrongPass, "test_what_is_wrong_is_unauthorized"),
    _auth(TripsOverOddTokens, "test_odd_tokens_are_nobodys_or_unauthorized"),
    _auth(ShowsTheToken, "test_odd_tokens_are_nobodys_or_unauthorized"),
)
