"""The audit log, as operators read it."""

from __future__ import annotations

from staging_core.database import audit_log
from staging_core.models import AuditAction, AuditEntry, Place
from staging_core.ports import Ports


class AuditLog:
    """Who did what to what; entries go after the setting ``audit_log_s``, and never change."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def page(
        self,
        *,
        action: AuditAction | None = None,
        actor: str | None = None,
        account_id: str | None = None,
        target: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int = 50,
        before: AuditEntry | Place | None = None,
    ) -> list[AuditEntry]:
        """Entries for which all that is given holds, newest first.

        ``since`` (included) and ``until`` (not): Unix seconds. ``before``: the last one of the page
        before, or its place.
        """
        place = before.place if isinstance(before, AuditEntry) else before
        async with self._ports.database.read() as tx:
            return await audit_log.page(
                tx,
                action=action,
                actor=actor,
                account_id=account_id,
                target=target,
                since=since,
                until=until,
                before=place,
                limit=limit,
            )
