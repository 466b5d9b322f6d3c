"""Authenticators that break one sentence each."""

from __future__ import annotations

import asyncio
import logging

from staging_core.backends.api_keys import KeyAuth
from staging_core.errors import SignInUnavailable, Unauthorized
from staging_core.interfaces import Authenticator
from staging_core.models import Credentials, Identity, Principal
from staging_core.testing.conformance import AuthConformance, Outage
from staging_core.testing.fake_keys import FakeKeys

from .row import Broken, broken

_PERSON = Identity(issuer="https://issuer.example", subject="ada")
_KEYS = FakeKeys()
_ADA = _KEYS.add(Principal(account_id="acme", user_id="ada"))
_BOB = _KEYS.add(Principal(account_id="", user_id="", identity=_PERSON))
_OLD = _KEYS.add(Principal(account_id="acme", user_id="eve"), "expired")


class Sound(KeyAuth):
    """Knows two keys, and one that has expired; ``away``: it cannot look them up."""

    def __init__(self) -> None:
        super().__init__(_KEYS)
        self.away = False

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        if self.away and (credentials.bearer or "").startswith("sk_stg_"):
            return self.without_looking()
        return await super().authenticate(credentials)

    def without_looking(self) -> Principal | None:
        """What it says while it cannot look."""
        raise SignInUnavailable("The keys are away.")


class NoAccount(Sound):
    """Knows the user and not the account."""

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        known = await super().authenticate(credentials)
        return Principal(account_id="") if known else None


class NoSubject(Sound):
    """Knows who vouches for somebody, and not for whom."""

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        known = await super().authenticate(credentials)
        nobody = Identity(issuer="https://issuer.example", subject="")
        return known and Principal(account_id=known.account_id, user_id="ada", identity=nobody)


class AnotherUserEachTime(Sound):
    """Makes a new user at every sign-in."""

    def __init__(self) -> None:
        super().__init__()
        self._users = 0

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        self._users += 1
        known = await super().authenticate(credentials)
        return Principal(account_id="local", user_id=f"user-{self._users}") if known else None


class MixesUpCallsAtOnce(Sound):
    """Keeps whom it asks for where the next call finds it."""

    def __init__(self) -> None:
        super().__init__()
        self._calls = 0

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        self._calls += 1
        known = await super().authenticate(credentials)
        await asyncio.sleep(0)
        alone = self._calls == 1
        self._calls -= 1
        return known if alone or known is None else Principal(account_id="another")


class ClaimsEveryToken(Sound):
    """Turns away what is another's."""

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        known = await super().authenticate(credentials)
        if known is None:
            raise Unauthorized("The token is wrong.")
        return known


class LetsTheWrongPass(Sound):
    """Says "not mine" where it should turn away."""

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        try:
            return await super().authenticate(credentials)
        except Unauthorized:
            return None


class TripsOverOddTokens(Sound):
    """Expects ASCII."""

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        if not (credentials.bearer or "").isascii():
            raise ValueError("no ASCII")
        return await super().authenticate(credentials)


class TakesWhatIsSigned(Sound):
    """Reads a token without looking at its signature."""

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        if (credentials.bearer or "").startswith("eyJ"):
            return Principal(account_id="acme", user_id="ada")
        return await super().authenticate(credentials)


class LooksAtTheBeginning(Sound):
    """Finds a key by its first half."""

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        if (credentials.bearer or "").startswith(_ADA[:24]) and not self.away:
            return Principal(account_id="acme", user_id="ada")
        return await super().authenticate(credentials)


class ShowsTheToken(Sound):
    """Repeats the token in its error."""

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        try:
            return await super().authenticate(credentials)
        except Unauthorized as wrong:
            raise Unauthorized(f"The token {credentials.bearer} is wrong.") from wrong


class LogsTheToken(Sound):
    """Writes down what it was given."""

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        logging.getLogger("acme").debug("asked about %s", credentials.bearer)
        return await super().authenticate(credentials)


class TurnsAwayWhenItCannotLook(Sound):
    """Takes an outage for a no."""

    def without_looking(self) -> Principal | None:
        raise Unauthorized("There is no such key.")


class LetsInWhenItCannotLook(Sound):
    """Takes an outage for a yes."""

    def without_looking(self) -> Principal | None:
        return Principal(account_id="acme", user_id="ada")


class _Away:
    """The outage of a ``Sound``."""

    def __init__(self, auth: Sound) -> None:
        self._auth = auth

    async def begin(self) -> None:
        self._auth.away = True

    async def end(self) -> None:
        self._auth.away = False


class _Suite(AuthConformance):
    mine = (Credentials(bearer=_ADA), Credentials(bearer=_BOB))
    not_mine = (Credentials(bearer="token"), Credentials(bearer="token", loopback=True))
    wrong = (Credentials(bearer=_OLD),)

    def outage(self, auth: Authenticator) -> Outage | None:
        return _Away(auth) if isinstance(auth, Sound) else None


def _auth(backend: type[Sound], *fails: str) -> Broken:
    return broken(_Suite, backend, *fails)


BROKEN_AUTH = (
    _auth(NoAccount, "test_what_is_mine_gives_a_principal"),
    _auth(NoSubject, "test_an_identity_names_issuer_and_subject"),
    _auth(AnotherUserEachTime, "test_the_same_credentials_give_the_same_principal"),
    _auth(MixesUpCallsAtOnce, "test_the_same_credentials_give_the_same_principal"),
    _auth(ClaimsEveryToken, "test_what_is_not_mine_gives_none"),
    _auth(LetsTheWrongPass, "test_what_is_wrong_is_unauthorized"),
    _auth(TripsOverOddTokens, "test_odd_tokens_are_nobodys_or_unauthorized"),
    _auth(TakesWhatIsSigned, "test_odd_tokens_are_nobodys_or_unauthorized"),
    _auth(LooksAtTheBeginning, "test_what_is_changed_in_one_character_is_not_taken"),
    _auth(TurnsAwayWhenItCannotLook, "test_while_others_are_away_nobody_is_let_in_or_turned_away"),
    _auth(LetsInWhenItCannotLook, "test_while_others_are_away_nobody_is_let_in_or_turned_away"),
    _auth(ShowsTheToken, "test_no_error_and_no_log_shows_what_was_sent"),
    _auth(LogsTheToken, "test_no_error_and_no_log_shows_what_was_sent"),
)
