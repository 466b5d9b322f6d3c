"""The audit log: who did what to what, for whoever asks later."""

from __future__ import annotations

from typing import Any, Literal, get_args

import msgspec

from .place import Place

AuditAction = Literal[
    "account.deleted",
    "account.exported",
    "billing.credited",
    "billing.customer_refused",
    "billing.paid_twice",
    "billing.plan_given",
    "billing.price_published",
    "billing.price_unknown",
    "image.reconciled",
    "job.cancelled",
    "job.requeued",
    "key.created",
    "key.revoked",
    "model.activated",
    "model.configured",
    "role.granted",
    "setting.changed",
    "user.created",
]
"""What leaves an entry."""

AUDIT_ACTIONS: tuple[AuditAction, ...] = get_args(AuditAction)


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts. ``account_id``: whose user it is; None for who sits at the machine itself.

    ``request_id``: of the request that asked for it, where there was one.
    """

    user_id: str
    account_id: str | None = None
    request_id: str | None = None


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One act. ``created_at``: Unix seconds.

    ``account_id``: whose thing it was; None for what concerns the whole installation. ``target``:
    the id or the name of the thing. ``before`` and ``after``: what was changed about it, never a
    secret; None where there was nothing.
    """

    id: str
    created_at: float
    action: AuditAction
    actor: str
    actor_account_id: str | None
    account_id: str | None
    target: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str | None

    @property
    def place(self) -> Place:
        """Its place in the log."""
        return Place(self.created_at, self.id)
