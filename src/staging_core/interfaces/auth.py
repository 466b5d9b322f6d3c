"""Authenticators: who is it?"""

from __future__ import annotations

from typing import Protocol

from staging_core.models import Credentials, KeyUse, Principal

from .opening import OpenContext


class Authenticator(Protocol):
    """Turns credentials into a principal."""

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        """The principal; None: not mine, ask the next; ``Unauthorized``: mine, and wrong.

        A person who may have no user here yet is a principal with an ``identity``: the core makes
        the user. The same credentials give the same principal, also to many calls at one moment.
        What is mine stands whole: changed in one character it is wrong, or not mine. What cannot be
        told now, as somebody who could tell is away, is ``SignInUnavailable``: never a yes, never a
        no. Nothing secret of what was sent stands in an error or a log.
        """
        ...


class KeyBook(Protocol):
    """The API keys of the installation, by what it keeps of them; the core's, for backends."""

    async def use(self, digest: str) -> KeyUse | None:
        """The key whose SHA-256 (hexadecimal) that is, its use noted; None: there is none."""
        ...


class AuthContext(OpenContext, Protocol):
    """What an authenticator may ask for while it opens, beside what every backend may."""

    @property
    def keys(self) -> KeyBook:
        """The installation's API keys; empty for a backend that is opened without one."""
        ...
