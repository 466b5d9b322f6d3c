"""The account's projects."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

from msgspec.structs import replace

from staging_core.archive import archive
from staging_core.creation import Creation, creating, telling_again
from staging_core.database import accounts, projects
from staging_core.deletion import clear_deleted
from staging_core.errors import ValidationFailed
from staging_core.models import Place, Principal, Project, ProjectCost
from staging_core.ports import Ports
from staging_core.scoped import needs

_LONGEST_NAME = 100


class Projects:
    """The account's projects."""

    def __init__(self, ports: Ports, principal: Principal) -> None:
        self._ports = ports
        self._principal = principal
        self._account_id = principal.account_id

    @needs("images:write")
    async def create(self, name: str, *, idempotency_key: str | None = None) -> Project:
        """A new project; ``ValidationFailed`` unless its name has 1 to 100 characters, trimmed.

        A repeat under the same ``idempotency_key`` answers the same project, ``replayed``;
        ``CreatedThenDeleted`` when that was deleted meanwhile.
        """
        named = _checked(name)
        async with creating(
            self._ports,
            self._account_id,
            idempotency_key,
            route="projects.create",
            asked=[named],
        ) as creation:
            if creation.created is not None:
                with telling_again(creation.created[0]):
                    return replace(await self.get(creation.created[0]), replayed=True)
            return await self._create(named, creation)

    async def _create(self, name: str, creation: Creation) -> Project:
        account_id = accounts.check(self._account_id)
        async with self._ports.database.write(account_id) as tx:
            await accounts.ensure(tx, account_id)
            project = await projects.add(
                tx,
                id=str(uuid4()),
                account_id=account_id,
                user_id=self._principal.user_id,
                name=name,
            )
            await creation.keep(tx, [project.id])
        return project

    @needs("images:read")
    async def get(self, project_id: str) -> Project:
        """One project; ``NotFound``."""
        async with self._ports.database.read(self._account_id) as tx:
            return await projects.get(tx, self._account_id, project_id)

    @needs("images:read")
    async def page(
        self, *, limit: int = 50, before: Project | Place | None = None
    ) -> list[Project]:
        """Projects, newest first; ``before``: the last one of the page before, or its place."""
        place = before.place if isinstance(before, Project) else before
        async with self._ports.database.read(self._account_id) as tx:
            return await projects.page(tx, self._account_id, before=place, limit=limit)

    @needs("images:write")
    async def rename(self, project_id: str, name: str) -> Project:
        """The project under another name; ``ValidationFailed`` as for ``create``, ``NotFound``."""
        named = _checked(name)
        async with self._ports.database.write(self._account_id) as tx:
            return await projects.rename(tx, self._account_id, project_id, named)

    @needs("images:write")
    async def delete(self, project_id: str) -> None:
        """Delete the project with its images; ``NotFound``.

        They are hidden at once and their jobs cancelled; of a project with very many images the
        rest follows with the next sweeps, as do the objects. What was used stays counted.
        """
        async with self._ports.database.write(self._account_id) as tx:
            await projects.delete(tx, self._account_id, project_id)
        await clear_deleted(self._ports, self._account_id, project_id)

    @needs("images:read")
    async def archive(self, project_id: str) -> AsyncIterator[bytes]:
        """Its pictures as a zip file, in chunks: originals, and what is ready; ``NotFound``."""
        await self.get(project_id)
        return archive(self._ports, self._account_id, project_id)

    @needs("images:read")
    async def cost(self, project_id: str) -> ProjectCost:
        """What the providers charged for its images, deleted ones too; ``NotFound``."""
        async with self._ports.database.read(self._account_id) as tx:
            return await projects.cost(tx, self._account_id, project_id)


def _checked(name: object) -> str:
    named = name.strip() if isinstance(name, str) else ""
    if not 1 <= len(named) <= _LONGEST_NAME or not named.isprintable():
        told = f"A project's name has 1 to {_LONGEST_NAME} printable characters."
        raise ValidationFailed(told, fields={"name": told})
    return named
