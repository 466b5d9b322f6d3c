"""Settings that change while the installation runs."""

from __future__ import annotations

from typing import Any

from staging_core.database import audit_log, runtime
from staging_core.errors import NotFound
from staging_core.models import Actor, RuntimeSetting
from staging_core.ports import Ports
from staging_core.runtime_settings import ACTIVE_MODEL, KNOWN, checked


class RuntimeSettings:
    """Those that take effect in every process within a second."""

    def __init__(self, ports: Ports, actor: Actor) -> None:
        self._ports = ports
        self._actor = actor

    async def all(self) -> list[RuntimeSetting]:
        """Every one that there is, by its key."""
        async with self._ports.database.read() as tx:
            rows = await runtime.settings(tx)
        return [self._setting(key, rows.get(key)) for key in sorted(KNOWN)]

    async def get(self, key: str) -> RuntimeSetting:
        """One; ``NotFound`` for a key that is none."""
        if key not in KNOWN:
            raise NotFound(f"There is no setting {key[:64]!r} to change.")
        async with self._ports.database.read() as tx:
            row = await runtime.setting(tx, key)
        return self._setting(key, row)

    async def change(self, key: str, value: Any) -> RuntimeSetting:
        """Choose a value; None: what each process's own settings say holds again.

        ``NotFound``; ``ValidationFailed`` for a value that it cannot have.
        """
        value = checked(self._ports, key, value)
        async with self._ports.database.write() as tx:
            before = self._setting(key, await runtime.setting(tx, key, lock=True))
            await runtime.choose(tx, key, value, by=self._actor.user_id)
            after = self._setting(key, await runtime.setting(tx, key))
            await audit_log.add(
                tx,
                "model.activated" if key == ACTIVE_MODEL else "setting.changed",
                self._actor,
                target=key,
                before={"value": before.value},
                after={"value": after.value},
            )
        self._ports.recent.forget()
        return after

    def _setting(self, key: str, row: Any) -> RuntimeSetting:
        known = KNOWN[key]
        default = known.default(self._ports)
        return RuntimeSetting(
            key=key,
            value=default if row is None else row["value"],
            default=default,
            type=known.type,
            description=known.meaning,
            updated_at=None if row is None else row["updated_at"],
            updated_by=None if row is None else row["updated_by"],
        )
