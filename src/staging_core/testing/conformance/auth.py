"""The contract of ``Authenticator``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import pytest

from staging_core.errors import Unauthorized
from staging_core.interfaces import Authenticator
from staging_core.models import Credentials, Principal

from .base import OpensConformance, check

ODD_TOKENS = ("", " ", "a" * 20_000, "ä", "a b", "a.b.c", "\x00", "null", "'; drop table users; --")


class AuthConformance(OpensConformance):
    """``url`` names the authenticator.

    ``mine``: credentials that it takes, ``not_mine``: those of others, ``wrong``: those that it
    knows for its own and must turn away.
    """

    kind = "auth"
    mine: ClassVar[Sequence[Credentials]] = ()
    not_mine: ClassVar[Sequence[Credentials]] = ()
    wrong: ClassVar[Sequence[Credentials]] = ()

    @check("The principal")
    async def test_what_is_mine_gives_a_principal(self, auth: Authenticator) -> None:
        if not self.mine:
            pytest.skip("no credentials are named in `mine`")
        for credentials in self.mine:
            principal = await auth.authenticate(credentials)
            assert isinstance(principal, Principal)
            assert principal.account_id
            assert principal.user_id

    @check("One user acting in one account.")
    async def test_the_same_credentials_give_the_same_principal(self, auth: Authenticator) -> None:
        for credentials in self.mine:
            first = await auth.authenticate(credentials)
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
                except Unauthorized as error:
                    told = f"{error} {error.remedy}"
                    assert len(token) < 3 or token not in told, "the error shows the token"
                else:
                    assert who is None, f"the token {token[:30]!r} was accepted"
