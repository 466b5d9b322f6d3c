"""Opens the stagers of an installation."""

from __future__ import annotations

from contextlib import AsyncExitStack

from .config import Settings
from .errors import DuplicateName, SettingError
from .interfaces import Defers, Stager
from .interfaces.opening import Role
from .registry import Registry


async def open_stagers(
    registry: Registry, settings: Settings, stack: AsyncExitStack, role: Role
) -> dict[str, Stager | Defers]:
    """By the id of their card; the first is the default."""
    stagers: dict[str, Stager | Defers] = {}
    for choice in settings.stager:
        stager = await registry.open("stager", choice, stack=stack, role=role)
        if stager.card.id in stagers:
            raise DuplicateName(f"The setting `stager` opens {stager.card.id!r} twice.")
        stagers[stager.card.id] = stager
    if not stagers:
        raise SettingError("The setting `stager` names no stager.")
    for name in settings.fallback:
        if name not in stagers:
            raise SettingError(
                f"The setting `fallback` names {name!r}, which `stager` does not open.",
                remedy=f"Open it in `stager`, or choose among {', '.join(stagers)}.",
            )
    return stagers
