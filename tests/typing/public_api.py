"""The public API as strict type checkers see it; never run, checked by mypy and basedpyright."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import assert_type

from staging_core import (
    OWNER,
    Acting,
    Credentials,
    Door,
    Group,
    Image,
    Job,
    JobEvent,
    Principal,
    Settings,
    StagedPicture,
    StageRequest,
    Staging,
    StagingError,
    hookimpl,
    open_door,
    stage,
)
from staging_core import Remote as Elsewhere
from staging_core.errors import NotFound, RoomNotUnderstood
from staging_core.interfaces import (
    Authenticator,
    Billing,
    Consumes,
    Copies,
    Defers,
    Finds,
    OpenContext,
    Opener,
    Photo,
    Queue,
    Stager,
    Storage,
    supports,
)
from staging_core.models import (
    Absent,
    ApiKey,
    Attempt,
    CannotTell,
    Failed,
    Found,
    JobState,
    JobStatus,
    ModelCard,
    Order,
    Output,
    Picture,
    Profile,
    Provider,
    Quote,
    Staged,
    Ticket,
    User,
    UserRole,
    Waiting,
    Wake,
)
from staging_core.urls import BackendURL

# --- the one line -----------------------------------------------------------------------------


def one_line(photo: bytes) -> None:
    picture = stage("empty.jpg", room="living_room", style="scandinavian", storage="memory:")
    assert_type(picture, StagedPicture)
    assert_type(picture.data, bytes)
    assert_type(picture.image, Image)
    assert_type(picture.save("staged.png"), Path)
    assert_type(stage(photo, room="bedroom", style="modern", seed=7), StagedPicture)
    assert_type(stage(Path("empty.jpg"), room="bedroom", style="modern"), StagedPicture)


# --- Staging ----------------------------------------------------------------------------------


async def embedded() -> None:
    opens: AbstractAsyncContextManager[Acting] = Staging.local(storage="memory:")
    async with opens as owner:
        assert_type(owner.principal, Principal)
    async with Staging.local() as me:
        assert_type(me, Acting)
        group = await me.images.submit("empty.jpg", room="bedroom", style="japandi", variants=2)
        assert_type(group, Group)
        assert_type(group.images, tuple[Image, ...])
        async for event in me.events(group):
            assert_type(event, JobEvent)
            assert_type(event.state, JobState)
            assert_type(event.status, JobStatus)
        assert_type(await me.wait(group), Group)
        assert_type(await me.images.read(group.images[0].id, "labelled"), bytes)
        assert_type(await me.images.page(limit=10), list[Image])
        assert_type(await me.images.cancel("image"), Image)
        assert_type(await me.jobs.get("job"), Job)
        assert_type(await me.jobs.history("job"), list[JobEvent])


async def multi_tenant(photo: bytes) -> None:
    async with Staging(worker=False) as staging:
        assert_type(staging, Staging)
        assert_type(staging.settings, Settings)
        me = staging.acting_as(Principal(account_id="ada", user_id="ada"))
        assert_type(me.principal, Principal)
        assert_type(await staging.authenticate(Credentials(bearer="t")), Principal | None)
        assert_type(await staging.redeem("ticket"), Principal)
        assert_type(me.principal.role, UserRole)
        assert_type(me.principal.may("images:read"), bool)
        assert_type(await me.profile.patch({"phone": None}), Profile)
        assert_type((await me.keys.create("camera", scopes=["images:read"])).secret, str)
        assert_type(await me.keys.page(everybodys=True), list[ApiKey])
        assert_type(await me.keys.revoke("key"), ApiKey)
        assert_type(await me.tickets.issue(), Ticket)
        assert_type(await staging.operating_as(me.principal).users(), list[User])
        assert_type(await staging.operating("Ada").grant("user", "admin"), User)
        assert_type(await staging.work("job"), bool)
        assert_type(await staging.sweep(), dict[str, int])
    assert_type(Staging.from_env(), Staging)


def blocking() -> None:
    with open_door(Staging()) as door:
        assert_type(door, Door)
        me = door.staging.acting_as(OWNER)
        assert_type(door(me.images.get, "image"), Image)
        assert_type(door(me.images.submit, "p.jpg", room="bedroom", style="modern"), Group)
        assert_type(door.iterate(me.events()), Iterator[JobEvent])


def errors() -> None:
    try:
        stage("empty.jpg", room="bedroom", style="modern")
    except RoomNotUnderstood as error:
        assert_type(error.overlay_png, bytes | None)
    except NotFound as error:
        assert_type(error.code, str)
        assert_type(error.status, int)
    except StagingError as error:
        assert_type(error.remedy, str)


# --- an outsider's backends ---------------------------------------------------------------------


class Painter:
    """A stager, by nothing but its shape."""

    card = ModelCard(id="painter", name="Painter")

    async def stage(self, request: StageRequest, photo: Photo, attempt: Attempt) -> Staged:
        attempt.progress(0.5, request.style)
        return Staged(outputs=(Output(data=await photo.read()),))


TOKEN = "sk_stg_..."  # noqa: S105 - of nobody


async def elsewhere(me: Acting | Elsewhere) -> bytes:
    """One function for an installation here and for one over HTTP."""
    group = await me.wait(await me.images.submit("empty.jpg", room="bedroom", variants=2))
    assert_type(group, Group)
    async for event in me.events(group):
        assert_type(event, JobEvent)
    return await me.images.read(group.images[0].id)


async def over_http() -> None:
    async with Staging.connect("https://staging.example", token=TOKEN) as me:
        assert_type(me, Elsewhere)
        assert_type(await elsewhere(me), bytes)
    with open_door(Staging.connect("https://staging.example", token=TOKEN)) as door:
        assert_type(door.opened, Elsewhere)
        assert_type(door(door.opened.images.get, "id"), Image)


class Remote:
    """A stager that answers later, and can find what it lost."""

    card = ModelCard(id="remote", name="Remote")

    async def create(self, request: StageRequest, photo: Photo, attempt: Attempt) -> str:
        return (await photo.url(60.0)) or attempt.id

    async def check(self, handle: str) -> Waiting | Staged | Failed:
        return Waiting()

    async def cancel(self, handle: str) -> None: ...

    async def find(self, attempt: Attempt) -> Found | Absent | CannotTell:
        return CannotTell()


class Bell:
    """A queue."""

    async def poke(self, wake: Wake) -> None:
        print(wake.job_id, wake.not_before)


class Till:
    """A billing backend."""

    async def quote(self, order: Order) -> Quote:
        return Quote(amount_cents=100 * order.images)


class Gate:
    """An authenticator."""

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        return None if credentials.bearer is None else Principal(account_id=credentials.bearer)


stager: Stager = Painter()
defers: Defers = Remote()
finds: Finds = Remote()
queue: Queue = Bell()
billing: Billing = Till()
authenticator: Authenticator = Gate()
with_objects = Staging(stager=stager, queue=queue, billing=billing, auth=[authenticator])


def capabilities(storage: Storage) -> None:
    assert_type(supports(storage, Copies), Copies | None)
    assert_type(supports(queue, Consumes), Consumes | None)


@asynccontextmanager
async def open_painter(url: BackendURL, context: OpenContext) -> AsyncIterator[Painter]:
    assert_type(url.options.get("colour"), str | None)
    assert_type(context.secret("PAINTER_KEY"), str)
    assert_type(context.settings(Quote), Quote)
    yield Painter()


opener: Opener = open_painter

# --- an outsider's hooks ------------------------------------------------------------------------


@hookimpl
def staging_stagers() -> Iterable[Provider]:
    return [Provider(scheme="painter", opens="painter:open_painter", summary="Paints.")]


@hookimpl
async def staging_before_submit(request: StageRequest) -> StageRequest | None:
    return None if request.style == "modern" else request


@hookimpl
def staging_label(job: Job, picture: Picture, statement: str) -> Picture:
    return picture


assert_type(list(staging_stagers()), list[Provider])
