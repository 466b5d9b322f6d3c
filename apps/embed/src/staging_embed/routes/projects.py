"""Projects: photos of one listing, together."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated

from msgspec import Meta, Struct

from staging_core import Image
from staging_core.errors import CreatedThenDeleted
from staging_core.models import Project
from staging_core.models.image import FULL
from staging_embed.access import member
from staging_embed.answer import Answer, Media, Stream
from staging_embed.answers.image import ImageAnswer, image_answer
from staging_embed.answers.replayed import replayed
from staging_embed.answers.variants import Original, original
from staging_embed.call import Call
from staging_embed.fields import Before, Cursor, Limit
from staging_embed.paging import new_page, old_page
from staging_embed.pictures import disposition
from staging_embed.routing import Routes
from staging_embed.times import rfc3339

projects = Routes("projects")
_read, _write = member("images:read"), member("images:write")


class ProjectChange(Struct, frozen=True, kw_only=True):
    """A project's name: 1 to 100 characters after trimming."""

    name: Annotated[str, Meta(examples=["12 Elm Street"])]


class ProjectAnswer(Struct, frozen=True, kw_only=True):
    """One project. `user_id`: who made it."""

    id: str
    name: str
    user_id: str
    created_at: str


class ProjectList(Struct, frozen=True, kw_only=True):
    """Projects, newest first."""

    projects: list[ProjectAnswer]
    next_cursor: str | None


class ImageList(Struct, frozen=True, kw_only=True):
    """Images, newest first."""

    images: list[ImageAnswer]
    next_cursor: str | None


class OriginalList(Struct, frozen=True, kw_only=True):
    """Photos with the variants made of each, newest first."""

    images: list[Original]
    next_cursor: str | None


class OriginalImages(Struct, frozen=True, kw_only=True):
    """The images of one photo, the oldest first."""

    original_id: str
    images: list[ImageAnswer]


class OriginalPage(Struct, frozen=True, kw_only=True):
    """Photos by the oldest image of each, newest first."""

    originals: list[OriginalImages]
    next_cursor: str | None


class CostAnswer(Struct, frozen=True, kw_only=True):
    """What the models' providers charged, in US dollars; of deleted images too."""

    project_id: str
    total_cost_usd: float
    image_count: int
    avg_cost_usd: float


class Page(Struct, frozen=True, kw_only=True):
    """Which part of the list. Without either, up to 1,000 rows come at once."""

    limit: Limit | None = None
    cursor: Cursor | None = None
    before: Before | None = None


@projects.post("/projects", _write, status=201, creates=True, errors=(CreatedThenDeleted,))
async def create_project(call: Call, body: ProjectChange) -> Answer[ProjectAnswer]:
    """Make a project."""
    project = await call.me.projects.create(body.name, idempotency_key=call.idempotency_key)
    return replayed(_answer(project), project.replayed)


@projects.get("/projects", _read)
async def list_projects(call: Call, query: Page) -> ProjectList:
    """Projects, newest first."""
    before = call.before("projects", query)
    rows, more = await old_page(
        lambda limit, place: call.me.projects.page(limit=limit, before=place),
        query.limit,
        before,
        place=lambda row: row.place,
    )
    return ProjectList(
        projects=[_answer(row) for row in rows],
        next_cursor=call.next("projects", rows[-1].place if more else None),
    )


@projects.get("/projects/{project_id}", _read)
async def get_project(call: Call) -> ProjectAnswer:
    """One project."""
    return _answer(await call.me.projects.get(call.id("project_id")))


@projects.put("/projects/{project_id}", _write)
async def rename_project(call: Call, body: ProjectChange) -> ProjectAnswer:
    """Give a project another name."""
    return _answer(await call.me.projects.rename(call.id("project_id"), body.name))


@projects.delete("/projects/{project_id}", _write)
async def delete_project(call: Call) -> None:
    """Delete a project with its images and their pictures.

    What was used stays counted.
    """
    await call.me.projects.delete(call.id("project_id"))


@projects.get("/projects/{project_id}/images", _read)
async def list_project_images(call: Call, query: Page) -> ImageList:
    """A project's images, newest first; failed and cancelled ones too."""
    project_id = call.id("project_id")
    scope = f"images of {project_id}"
    before = call.before(scope, query)
    rows, more = await old_page(
        lambda limit, place: call.me.images.page(project_id=project_id, limit=limit, before=place),
        query.limit,
        before,
        place=lambda row: row.place,
    )
    await _check_there(call, project_id, rows)
    return ImageList(
        images=[image_answer(row, call.base) for row in rows],
        next_cursor=call.next(scope, rows[-1].place if more else None),
    )


@projects.get("/projects/{project_id}/images/grouped", _read)
async def list_project_images_grouped(call: Call, query: Page) -> OriginalList:
    """A project's photos, newest first, each with the variants made of it.

    Of a photo with more than 200 variants it is the first and the newest ones; the others are in
    the project's list of images.
    """
    project_id = call.id("project_id")
    scope = f"originals of {project_id}"
    before = call.before(scope, query)
    rows, more = await old_page(
        lambda limit, place: call.me.images.by_original(project_id, limit=limit, before=place),
        query.limit,
        before,
        place=lambda row: row[0].place,
        full=_is_full,
    )
    return OriginalList(
        images=[original(row, call.base) for row in rows],
        next_cursor=call.next(scope, rows[-1][0].place if more else None),
    )


@projects.get("/projects/{project_id}/originals", _read)
async def list_project_originals(call: Call, query: Page) -> OriginalPage:
    """A project's photos, newest first, each with all that is known of its images.

    Of a photo with more than 200 images it is the first and the newest ones.
    """
    project_id = call.id("project_id")
    scope = f"originals of {project_id}"
    before = call.before(scope, query)
    rows, more = await new_page(
        lambda limit: call.me.images.by_original(project_id, limit=limit, before=before),
        query.limit,
        full=_is_full,
    )
    return OriginalPage(
        originals=[
            OriginalImages(
                original_id=row[0].original_id,
                images=[image_answer(image, call.base) for image in row],
            )
            for row in rows
        ],
        next_cursor=call.next(scope, rows[-1][0].place if more else None),
    )


@projects.get(
    "/projects/{project_id}/archive",
    _read,
    result=Media(("application/zip",)),
    streams="archives",
    headers={"Content-Disposition": "What the file is called."},
)
async def get_project_archive(call: Call) -> Stream:
    """A project's pictures as one zip file, made while it is sent.

    Each original once, and of every image that is ready the staged picture. Where too many are
    being sent, whoever takes less than 128 KiB a second breaks off; whoever takes four hours does.
    """
    project = await call.me.projects.get(call.id("project_id"))
    chunks = await call.me.projects.archive(project.id)
    headers = {
        "content-type": "application/zip",
        "content-disposition": disposition(f"{project.name}.zip", attachment=True),
    }
    return Stream(200, headers, nullcontext(chunks))


@projects.get("/projects/{project_id}/cost", _read)
async def get_project_cost(call: Call) -> CostAnswer:
    """What the models' providers charged for a project's images."""
    cost = await call.me.projects.cost(call.id("project_id"))
    return CostAnswer(
        project_id=cost.project_id,
        total_cost_usd=round(cost.total_usd, 6),
        image_count=cost.images,
        avg_cost_usd=round(cost.average_usd, 6),
    )


def _is_full(rows: list[tuple[Image, ...]]) -> bool:
    """Whether the library has ended the page by its images."""
    return sum(map(len, rows)) >= FULL


async def _check_there(call: Call, project_id: str, rows: list[Image]) -> None:
    """An empty list may be that of no project at all."""
    if not rows:
        await call.me.projects.get(project_id)


def _answer(project: Project) -> ProjectAnswer:
    return ProjectAnswer(
        id=project.id,
        name=project.name,
        user_id=project.user_id,
        created_at=rfc3339(project.created_at),
    )
