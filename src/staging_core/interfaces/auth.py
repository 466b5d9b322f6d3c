"""Authenticators: who is it?"""

from __future__ import annotations

from typing import Protocol

from staging_core.models import Credentials, Principal


class Authenticator(Protocol):
    """Turns credentials into a principal."""

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        """The principal; None: not mine, ask the next; ``Unauthorized``: mine, and wrong."""
        ...
