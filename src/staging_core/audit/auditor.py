"""All checks together."""

from __future__ import annotations

from staging_core.database.engine import Transaction
from staging_core.ports import Ports
from staging_core.standings import charged_by

from . import (
    acceptance,
    accounts,
    attempts,
    events,
    money,
    objects,
    overage,
    payments,
    reservations,
    results,
    secrets,
    spend,
    testimony,
)
from .evidence import Evidence
from .rule import violations_of
from .violation import Violation

INVARIANTS = ("I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10")
SOUND: dict[str, int] = dict.fromkeys(INVARIANTS, 0)
"""What ``Audit.count`` gives where everything holds."""

RULES = (
    *acceptance.RULES,
    *results.RULES,
    *attempts.RULES,
    *events.RULES,
    *accounts.RULES,
    *money.RULES,
    *reservations.RULES,
    *spend.RULES,
    *payments.RULES,
)


class Audit:
    """Reads everything, changes nothing. Exact while no worker runs and no callback arrives."""

    def __init__(self, ports: Ports, evidence: Evidence | None = None) -> None:
        self._ports = ports
        self._evidence = evidence or Evidence()

    async def violations(self) -> list[Violation]:
        """Everything that must not be, by invariant."""
        async with self._ports.database.read() as tx:
            found = await self._of_rows(tx)
        found += await objects.missing_results(self._ports)
        found += await objects.unknown_objects(self._ports)
        return sorted(found, key=lambda one: INVARIANTS.index(one.invariant))

    async def _of_rows(self, tx: Transaction) -> list[Violation]:
        evidence = self._evidence
        charged = charged_by(self._ports.billing) is not None
        rules = (*RULES, *overage.RULES) if charged else RULES
        return [
            *await violations_of(tx, self._ports.settings, rules),
            *await events.broken_logs(tx),
            *await accounts.in_a_strangers_folder(tx),
            *await secrets.told_secrets(tx, evidence.secrets),
            *await testimony.of_clients(tx, evidence.accepted),
            *await testimony.of_provider(tx, evidence.predictions),
            *(await testimony.unfinished(tx) if evidence.settled else ()),
        ]

    async def count(self) -> dict[str, int]:
        """Violations by invariant."""
        return counted(await self.violations())


def counted(violations: list[Violation]) -> dict[str, int]:
    """How many there are of each invariant."""
    found = [violation.invariant for violation in violations]
    return {invariant: found.count(invariant) for invariant in INVARIANTS}
