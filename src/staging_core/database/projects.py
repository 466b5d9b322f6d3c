"""Projects: made, renamed, listed and deleted by their account."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from staging_core.errors import NotFound
from staging_core.models import Place, Project, ProjectCost

from .engine import Transaction
from .pages import newest
from .row import Row
from .tables import images, jobs, projects

_FIELDS = ("id", "account_id", "user_id", "name", "created_at")


async def add(tx: Transaction, **values: Any) -> Project:
    """Keep a project's row."""
    row = await tx.row(
        sa.insert(projects).values(created_at=tx.now, **values).returning(*projects.c)
    )
    assert row is not None
    return _as_project(row)


async def get(tx: Transaction, account_id: str, project_id: str) -> Project:
    """The account's project; ``NotFound``."""
    return _found(await tx.row(_seen(account_id, project_id)), project_id)


async def there_among(tx: Transaction, ids: Collection[str]) -> set[str]:
    """Those of the projects, whoever's they are, that are not deleted."""
    query = sa.select(projects.c.id).where(
        projects.c.id.in_(list(ids)), projects.c.deleted_at.is_(None)
    )
    return {row["id"] for row in await tx.rows(query)}


async def hold(tx: Transaction, account_id: str, project_id: str) -> None:
    """Nobody deletes the project until the commit; ``NotFound`` where it is gone already."""
    query = _seen(account_id, project_id)
    _found(await tx.row(query.with_for_update(read=True)), project_id)


async def page(
    tx: Transaction, account_id: str, *, before: Place | None = None, limit: int = 50
) -> list[Project]:
    """The account's projects, newest first."""
    mine = sa.select(projects).where(
        projects.c.account_id == account_id, projects.c.deleted_at.is_(None)
    )
    return [_as_project(row) for row in await tx.rows(newest(mine, projects, before, limit))]


async def rename(tx: Transaction, account_id: str, project_id: str, name: str) -> Project:
    """Give the project another name; ``NotFound``."""
    return _found(await tx.row(_changing(account_id, project_id, name=name)), project_id)


async def delete(tx: Transaction, account_id: str, project_id: str) -> None:
    """Hide the project and all its images; ``NotFound``. Each image is still to be cleared."""
    hidden = await tx.row(_changing(account_id, project_id, deleted_at=tx.now))
    _found(hidden, project_id)
    await tx.execute(
        sa.update(images)
        .where(
            images.c.account_id == account_id,
            images.c.project_id == project_id,
            images.c.deleted_at.is_(None),
        )
        .values(deleted_at=tx.now)
    )


async def cost(tx: Transaction, account_id: str, project_id: str) -> ProjectCost:
    """What its images cost, deleted ones included; ``NotFound``."""
    await get(tx, account_id, project_id)
    row = await tx.row(
        sa.select(
            sa.func.coalesce(sa.func.sum(jobs.c.cost_usd), 0.0).label("total"),
            sa.func.count(jobs.c.image_id.distinct()).label("images"),
        ).where(jobs.c.account_id == account_id, jobs.c.project_id == project_id)
    )
    assert row is not None
    return ProjectCost(project_id=project_id, total_usd=row["total"], images=row["images"])


def _seen(account_id: str, project_id: str) -> sa.Select[Any]:
    return sa.select(projects).where(_is(account_id, project_id))


def _changing(account_id: str, project_id: str, **values: Any) -> Any:
    changed = sa.update(projects).where(_is(account_id, project_id)).values(**values)
    return changed.returning(*projects.c)


def _is(account_id: str, project_id: str) -> sa.ColumnElement[bool]:
    return (
        (projects.c.account_id == account_id)
        & (projects.c.id == project_id)
        & projects.c.deleted_at.is_(None)
    )


def _found(row: Row | None, project_id: str) -> Project:
    if row is None:
        raise NotFound(f"There is no project {project_id}.")
    return _as_project(row)


def _as_project(row: Row) -> Project:
    return Project(**{name: row[name] for name in _FIELDS})
