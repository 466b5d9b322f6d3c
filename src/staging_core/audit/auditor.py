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
from .rule import Rules
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


_NO_EVIDENCE = Evidence()


class Audit:
    """Reads everything, changes nothing. Exact while no worker runs and no callback arrives."""

    def __init__(self, ports: Ports) -> None:
        charged = charged_by(ports.billing) is not None
        self._ports = ports
        self._rules = Rules(ports.settings, (*RULES, *overage.RULES) if charged else RULES)

    async def violations(self, evidence: Evidence = _NO_EVIDENCE) -> list[Violation]:
        """Everything that must not be, by invariant."""
        async with self._ports.database.read() as tx:
            found = await self._of_rows(tx, evidence)
        found += await objects.missing_results(self._ports)
        found += await objects.unknown_objects(self._ports)
        return sorted(found, key=lambda one: INVARIANTS.index(one.invariant))

    async def _of_rows(self, tx: Transaction, evidence: Evidence) -> list[Violation]:
        return [
            *await self._rules.violations(tx),
            *await events.broken_logs(tx),
            *await accounts.in_a_strangers_folder(tx),
            *await secrets.told_secrets(tx, evidence.secrets),
            *await testimony.of_clients(tx, evidence.accepted),
            *await testimony.of_provider(tx, evidence.predictions),
            *(await testimony.unfinished(tx) if evidence.settled else ()),
        ]

    async def count(self, evidence: Evidence = _NO_EVIDENCE) -> dict[str, int]:
        """Violations by invariant."""
        return counted(await self.violations(evidence))


def counted(violations: list[Violation]) -> dict[str, int]:
    """How many there are of each invariant."""
    found = [violation.invariant for violation in violations]
    return {invariant: found.count(invariant) for invariant in INVARIANTS}
