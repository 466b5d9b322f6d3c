"""Where accounts stand, for billing backends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .database import standing
from .interfaces import MetersUsage, TakesPayments, supports
from .models import Plan, Standing

if TYPE_CHECKING:
    from .database.engine import Database


class KeptStandings:
    """Implements ``Standings`` over the database.

    ``charged_by``: set when the billing backend is open, which is opened with these.
    """

    charged_by: str | None = None

    def __init__(self, database: Database, plans: Mapping[str, Plan], default_plan: str) -> None:
        self._database = database
        self._plans = plans
        self._default_plan = default_plan

    async def of(self, account_id: str) -> Standing:
        """See ``Standings``."""
        async with self._database.read(account_id) as tx:
            return await standing.read(
                tx, account_id, self._plans, self._default_plan, charged_by=self.charged_by
            )


def charged_by(billing: object) -> str | None:
    """The provider that charges what is had beyond a plan; None: that is charged elsewhere."""
    takes, meters = supports(billing, TakesPayments), supports(billing, MetersUsage)
    return None if takes is None or meters is None else takes.source
