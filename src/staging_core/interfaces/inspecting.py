"""Backends that can look around for ``staging doctor``."""

from __future__ import annotations

from typing import Protocol

from staging_core.models import Inspected


class Inspects(Protocol):
    """Can tell what is missing around it: rights, rules and settings of a service."""

    async def inspect(self) -> tuple[Inspected, ...]:
        """What was looked at, and for all that is not as it should be what to do.

        Leaves nothing behind. What it fails at or may not look at is told, not raised.
        """
        ...
