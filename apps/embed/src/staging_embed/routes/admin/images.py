"""Images, compared with the storage."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from staging_core.models import JobStatus
from staging_embed.call import Call
from staging_embed.fields import Cursor, Id

from .group import admin, operators


class Reconcile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which images are looked at. `dry_run`: nothing is marked. `cursor`: to go on."""

    dry_run: bool = True
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    project_id: Id | None = None
    status: JobStatus | None = None
    cursor: Cursor | None = None


class ReconcileAnswer(Struct, frozen=True, kw_only=True):
    """Counts of images. `cannot_tell`: the storage did not say; none of these changed.

    `updated`: now marked as failed. `examples`: ids of images that miss something.
    """

    dry_run: bool
    checked: int
    missing_original: int
    missing_staged: int
    cannot_tell: int
    updated: int
    examples: list[str]
    next_cursor: str | None


@admin.post("/admin/reconcile/images", operators)
async def reconcile_images(call: Call, body: Reconcile) -> ReconcileAnswer:
    """Look whether the objects of images are in the storage.

    Without `dry_run`, an image whose staged picture is certainly gone is marked as failed with the
    code `object_missing`, and can be retried. What nobody can tell marks nothing.
    """
    done = await call.operating.reconcile(
        dry_run=body.dry_run,
        limit=body.limit,
        project_id=body.project_id,
        status=body.status,
        after=call.place("reconcile", body.cursor, str),
    )
    return ReconcileAnswer(
        dry_run=done.dry_run,
        checked=done.checked,
        missing_original=done.missing_original,
        missing_staged=done.missing_staged,
        cannot_tell=done.cannot_tell,
        updated=done.updated,
        examples=list(done.examples),
        next_cursor=call.next("reconcile", done.after),
    )
