"""The account's projects, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

import msgspec

from staging_core.errors import NotFound
from staging_core.models import Place, Principal, Project, ProjectCost

from .asked import Asked, in_path
from .pages import rows_of
from .patience import was_repeated
from .told import ProjectTold
from .wire import Wire


class ProjectsTold(msgspec.Struct, frozen=True):
    """A page of projects."""

    projects: list[ProjectTold]
    next_cursor: str | None

    def rows(self) -> list[ProjectTold]:
        """See ``Page``."""
        return self.projects


class CostTold(msgspec.Struct, frozen=True):
    """What a project's images cost."""

    project_id: str
    total_cost_usd: float
    image_count: int


class RemoteProjects:
    """As ``acting.Projects``."""

    def __init__(self, wire: Wire, principal: Principal) -> None:
        self._wire = wire
        self._principal = principal

    async def create(self, name: str, *, idempotency_key: str | None = None) -> Project:
        """See ``Projects.create``."""
        told = await self._wire.create(
            ProjectTold, "/projects", {"name": name}, key=idempotency_key
        )
        return told.value.project(self._principal, replayed=told.replayed)

    async def get(self, project_id: str) -> Project:
        """See ``Projects.get``."""
        told = await self._wire.get(ProjectTold, _path(project_id))
        return told.project(self._principal)

    async def page(
        self, *, limit: int = 50, before: Project | Place | None = None
    ) -> list[Project]:
        """See ``Projects.page``."""
        place = before.place if isinstance(before, Project) else before
        rows = await rows_of(self._wire, ProjectsTold, "/projects", {}, before=place, limit=limit)
        return [row.project(self._principal) for row in rows]

    async def rename(self, project_id: str, name: str) -> Project:
        """See ``Projects.rename``."""
        told = await self._wire.send(ProjectTold, "PUT", _path(project_id), {"name": name})
        return told.project(self._principal)

    async def delete(self, project_id: str) -> None:
        """See ``Projects.delete``."""
        try:
            await self._wire.send(type(None), "DELETE", _path(project_id))
        except NotFound as gone:
            if not was_repeated(gone):
                raise

    async def archive(self, project_id: str) -> AsyncIterator[bytes]:
        """See ``Projects.archive``; ``ServerUnreachable`` where it breaks off."""
        await self.get(project_id)
        return self._archive(f"{_path(project_id)}/archive")

    async def _archive(self, path: str) -> AsyncIterator[bytes]:
        async with (
            self._wire.opened(Asked(method="GET", path=path)) as response,
            aclosing(self._wire.chunks_of(response)) as chunks,
        ):
            async for chunk in chunks:
                yield chunk

    async def cost(self, project_id: str) -> ProjectCost:
        """See ``Projects.cost``."""
        told = await self._wire.get(CostTold, f"{_path(project_id)}/cost")
        return ProjectCost(
            project_id=told.project_id, total_usd=told.total_cost_usd, images=told.image_count
        )


def _path(project_id: str) -> str:
    return f"/projects/{in_path('project', project_id)}"
