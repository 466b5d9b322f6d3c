"""Plugins that observe are shown what happened, after its commit."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from .database import billing_events, events, leases, observers
from .database.engine import Transaction
from .errors import HookFailed
from .models import BillingEvent, JobEvent
from .ports import Ports

log = logging.getLogger("staging_core")

OBSERVING_S = 5.0
"""A plugin's round ends after so many seconds, once the call it is in has ended."""

_AT_A_TIME = 100


async def _of_jobs(tx: Transaction, account_id: str, position: int) -> list[JobEvent]:
    return await events.after(tx, account_id, position, deleted=True, limit=_AT_A_TIME)


async def _of_billing(tx: Transaction, account_id: str, position: int) -> list[BillingEvent]:
    return await billing_events.after(tx, account_id, position, limit=_AT_A_TIME)


class _Shown(NamedTuple):
    """A kind of events, and how they are read."""

    type: type[JobEvent] | type[BillingEvent]
    kind: observers.Kind
    after: Callable[[Transaction, str, int], Awaitable[list[JobEvent] | list[BillingEvent]]]


_SHOWN = (
    _Shown(JobEvent, observers.OF_JOBS, _of_jobs),
    _Shown(BillingEvent, observers.OF_BILLING, _of_billing),
)


class Observation:
    """What one process shows. ``owner``: its name in leases."""

    def __init__(self, ports: Ports, owner: str) -> None:
        self.ports = ports
        self._owner = owner

    async def observe(self) -> int:
        """Show new events to every observing plugin, in order; how many were shown.

        A slow plugin is shown the rest next time, so that it holds up neither sweeps nor closing.
        """
        shown = 0
        for events_of in _SHOWN:
            for plugin in self.ports.hooks.observers(events_of.type):
                shown += await self._observe_with(plugin, events_of)
        return shown

    async def _observe_with(self, plugin: str, events_of: _Shown) -> int:
        """One process at a time per plugin; a plugin that fails is asked again later."""
        name = f"observer:{plugin}"
        # No call begins after the round's end, so the lease outlives the last one.
        lease_s = 2 * (OBSERVING_S + self.ports.settings.hook_time_limit_s) + 30
        async with self.ports.database.write() as tx:
            if not await leases.take(tx, name, owner=self._owner, seconds=lease_s):
                return 0
            behind = await observers.behind(tx, plugin, events_of.kind)
        until = time.monotonic() + OBSERVING_S
        shown = 0
        for row in behind:
            if time.monotonic() < until:
                account_id, position = row["account_id"], row["position"]
                shown += await self._show(plugin, events_of, account_id, position, until)
        async with self.ports.database.write() as tx:
            await leases.give_back(tx, name, owner=self._owner)
        return shown

    async def _show(
        self, plugin: str, events_of: _Shown, account_id: str, position: int, until: float
    ) -> int:
        async with self.ports.database.read() as tx:
            news = await events_of.after(tx, account_id, position)
        shown = 0
        failed = False
        for event in news:
            failed = not await self._shown(plugin, event)
            if failed:
                break
            position = event.position
            shown += 1
            if time.monotonic() >= until:
                break
        async with self.ports.database.write() as tx:
            due_at = tx.now + self.ports.settings.backoff_max_s / 4 if failed else 0.0
            await observers.seen(tx, plugin, events_of.kind, account_id, position, due_at=due_at)
        return shown

    async def _shown(self, plugin: str, event: JobEvent | BillingEvent) -> bool:
        try:
            await self.ports.hooks.observe(plugin, event)
        except HookFailed:
            log.warning("plugin %s did not take event %s", plugin, event.position, exc_info=True)
            return False
        return True
