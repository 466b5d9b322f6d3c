"""The contract of ``Authenticator``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import ClassVar, Protocol

import pytest

from staging_core.errors import SignInUnavailable, Unauthorized
from staging_core.interfaces import Authenticator
from staging_core.models import Credentials, Principal

from .base import OpensConformance, check

ODD_TOKENS = (
    *("", " ", "a" * 20_000, "ä", "a b", "a.b.c", "\x00", "null", "'; drop table users; --"),
    *("\ud800", "..", "e30.e30.", "eyJhbGciOiJub25lIn0.e30.", "[" * 9_000, "sk_stg_"),
)


class Outage(Protocol):
    """What an authenticator asks elsewhere, and what a test can do to it."""

    async def begin(self) -> None:
        """It is away from now on; the authenticator, just opened, has asked nothing yet."""
        ...

    async def end(self) -> None:
        """It is back, and the authenticator may ask again."""
        ...


class AuthConformance(OpensConformance):
    """``url`` names the authenticator.

    ``mine``: credentials that it takes, ``not_mine``: those of others, ``wrong``: those that it
    knows for its own and must turn away. ``outage(auth)``: for one that asks somebody else, who can
    be away.
    """

    kind = "auth"
    mine: ClassVar[Sequence[Credentials]] = ()
    not_mine: ClassVar[Sequence[Credentials]] = ()
    wrong: ClassVar[Sequence[Credentials]] = ()

    def outage(self, auth: Authenticator) -> Outage | None:
        """How whom it asks can be away; None where it asks nobody."""
        return None

    @check("The principal")
    async def test_what_is_mine_gives_a_principal(self, auth: Authenticator) -> None:
        if not self.mine:
            pytest.skip("no credentials are named in `mine`")
        for credentials in self.mine:
            principal = await auth.authenticate(credentials)
            assert isinstance(principal, Principal)
            if principal.identity is None:
                assert principal.account_id
                assert principal.user_id

    @check("A person who may have no user here yet is a principal with an ``identity``")
    async def test_an_identity_names_issuer_and_subject(self, auth: Authenticator) -> None:
        people: dict[tuple[str, str], Principal] = {}
        for credentials in self.mine:
            principal = await auth.authenticate(credentials)
            if principal is not None and principal.identity is not None:
                named = (principal.identity.issuer, principal.identity.subject)
                assert all(named), "an identity without issuer or subject"
                known = people.setdefault(named, principal)
                assert known.identity == principal.identity, "one person under two names"

    @check("The same credentials give the same principal, also to many calls at one moment.")
    async def test_the_same_credentials_give_the_same_principal(self, auth: Authenticator) -> None:
        for credentials in self.mine:
            calls = (auth.authenticate(credentials) for _ in range(20))
            first, *others = await asyncio.gather(*calls)
            assert others == [first] * 19
            assert await auth.authenticate(credentials) == first

    @check("None: not mine, ask the next")
    async def test_what_is_not_mine_gives_none(self, auth: Authenticator) -> None:
        for credentials in self.not_mine:
            assert await auth.authenticate(credentials) is None

    @check("``Unauthorized``: mine, and wrong")
    async def test_what_is_wrong_is_unauthorized(self, auth: Authenticator) -> None:
        for credentials in self.wrong:
            with pytest.raises(Unauthorized):
                await auth.authenticate(credentials)

    @check("None: not mine, ask the next; ``Unauthorized``: mine, and wrong.")
    async def test_odd_tokens_are_nobodys_or_unauthorized(self, auth: Authenticator) -> None:
        for token in ODD_TOKENS:
            for loopback in (False, True):
                try:
                    who = await auth.authenticate(Credentials(bearer=token, loopback=loopback))
                except Unauthorized:
                    continue
                assert who is None, f"the token {token[:30]!r} was accepted"

    @check("What is mine stands whole: changed in one character it is wrong, or not mine.")
    async def test_what_is_changed_in_one_character_is_not_taken(self, auth: Authenticator) -> None:
        for credentials in self.mine:
            for changed in _changed(credentials):
                with suppress(Unauthorized, SignInUnavailable):
                    assert await auth.authenticate(changed) is None, "a changed token was accepted"

    @check("What cannot be told now, as somebody who could tell is away, is ``SignInUnavailable``")
    async def test_while_others_are_away_nobody_is_let_in_or_turned_away(
        self, auth: Authenticator
    ) -> None:
        outage = self.outage(auth)
        if outage is None:
            return
        await outage.begin()
        try:
            for credentials in self.mine:
                with pytest.raises(SignInUnavailable):
                    await auth.authenticate(credentials)
            for credentials in self.wrong:
                with pytest.raises((Unauthorized, SignInUnavailable)):
                    await auth.authenticate(credentials)
        finally:
            await outage.end()
        for credentials in self.mine:
            assert await auth.authenticate(credentials) is not None

    @check("Nothing secret of what was sent stands in an error or a log.")
    async def test_no_error_and_no_log_shows_what_was_sent(self, auth: Authenticator) -> None:
        odd = [Credentials(bearer=token) for token in ODD_TOKENS]
        for credentials in (*self.mine, *self.not_mine, *self.wrong, *odd):
            with _told() as told:
                try:
                    await auth.authenticate(credentials)
                except Exception as error:  # what it raises is another check's
                    told.extend(_words(error))
            for secret in _secrets(credentials):
                assert not [text for text in told if secret in text], "the secret is shown"


def _changed(credentials: Credentials) -> Iterator[Credentials]:
    """The credentials with another character, or one less, at places all over the token."""
    token = credentials.bearer or ""
    # Not the last of a part: of Base64's last character, some bits may mean nothing.
    places = set(range(0, len(token), max(1, len(token) // 40)))
    for place in sorted(places - {token.find(".") - 1, token.rfind(".") - 1, len(token) - 1}):
        other = "A" if token[place] != "A" else "B"
        for middle in (other, ""):
            changed = token[:place] + middle + token[place + 1 :]
            yield Credentials(bearer=changed, loopback=credentials.loopback)


def _secrets(credentials: Credentials) -> list[str]:
    """What nobody may see of a token: all of it, and its parts, for one that is a signed token."""
    token = credentials.bearer or ""
    return [part for part in (token, *token.split(".")) if len(part) >= 20]


def _words(error: BaseException) -> list[str]:
    """What an error and those behind it say."""
    behind = [each for each in (error.__cause__, error.__context__) if each is not None]
    own = [str(error), repr(error), getattr(error, "remedy", "")]
    return own + [word for each in behind for word in _words(each)]


@contextmanager
def _told() -> Iterator[list[str]]:
    """Everything that is logged meanwhile, with what was raised."""
    told: list[str] = []

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(self.format(record))

    root, handler = logging.getLogger(), Listening(logging.DEBUG)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield told
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
