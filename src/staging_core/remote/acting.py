"""Everything that the holder of a token may do, done by a server."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from types import TracebackType
from typing import Self

import msgspec

from staging_core.errors import NotFound, Unsupported
from staging_core.follower import Follower
from staging_core.models import EventPage, Group, JobEvent, Principal, Update, Usage, UserRole
from staging_core.scoped import needs

from .account import RemoteAccount
from .asked import in_query
from .billing import RemoteBilling
from .images import RemoteImages
from .jobs import RemoteJobs
from .keys import RemoteApiKeys
from .profile import RemoteProfile
from .projects import RemoteProjects
from .signed import Signed
from .stream import EventStream
from .tickets import RemoteTickets
from .told import EventTold
from .uploads import RemoteUploads
from .webhooks import RemoteWebhooks
from .wire import Wire


class MeTold(msgspec.Struct, frozen=True):
    """Whom the server sees in the token."""

    account_id: str
    user_id: str
    role: UserRole
    scopes: list[str]


class LogTold(msgspec.Struct, frozen=True):
    """Events after a position."""

    events: list[EventTold]
    settled: bool


class Remote:
    """What ``Staging.connect`` gives: as ``Acting``, over HTTP. Use it inside ``async with``.

    ``url``: the API's address without ``/api/v1``; https, or http to this machine. ``token``: an
    API key (``sk_stg_...``) or a token of the server's issuer; it is sent nowhere else, and never
    shown. ``timeout_s``: how long the server may be silent. ``patience_s``: how long a call is
    tried again, and a stream waits for the server to come back; a call that creates still creates
    once. Who acts is whom the server sees in the token, asked when this is opened.
    """

    def __init__(self, url: str, token: str | None, *, timeout_s: float, patience_s: float) -> None:
        self._wire = Wire(url, token, timeout_s=timeout_s, patience_s=patience_s)
        self._signed = Signed(timeout_s)
        self._patience_s = patience_s
        self._stack: AsyncExitStack | None = None
        self._principal: Principal
        self.principal: Principal
        self.images: RemoteImages
        self.jobs: RemoteJobs
        self.profile: RemoteProfile
        self.keys: RemoteApiKeys
        self.tickets: RemoteTickets
        self.projects: RemoteProjects
        self.uploads: RemoteUploads
        self.webhooks: RemoteWebhooks
        self.account: RemoteAccount
        self.billing: RemoteBilling

    def __repr__(self) -> str:
        return f"Remote({self._wire.base!r})"

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._wire)
            await stack.enter_async_context(self._signed)
            told = await self._wire.get(MeTold, "/me")
            self._act_as(
                Principal(
                    account_id=told.account_id,
                    user_id=told.user_id,
                    role=told.role,
                    scopes=frozenset(told.scopes),
                )
            )
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        stack, self._stack = self._stack, None
        if stack is not None:
            await stack.aclose()

    def _act_as(self, principal: Principal) -> None:
        wire = self._wire
        self.principal = self._principal = principal
        self.uploads = RemoteUploads(wire, self._signed, principal)
        self.images = RemoteImages(wire, self.uploads, principal)
        self.jobs = RemoteJobs(wire, principal)
        self.profile = RemoteProfile(wire, principal)
        self.keys = RemoteApiKeys(wire, principal)
        self.tickets = RemoteTickets(wire)
        self.projects = RemoteProjects(wire, principal)
        self.webhooks = RemoteWebhooks(wire, principal)
        self.account = RemoteAccount(wire)
        self.billing = RemoteBilling(wire, principal)

    @needs("events:read")
    def events(self, group: Group | None = None, *, after: int = 0) -> AsyncIterator[JobEvent]:
        """See ``Acting.events``."""
        return self._events(None if group is None else group.id, after)

    async def _events(self, group_id: str | None, after: int) -> AsyncGenerator[JobEvent]:
        """Rows are read as they are in the log; the stream only says when there are more."""
        try:
            async with aclosing(self._log(group_id, after)) as log:
                async for event in log:
                    yield event
        except NotFound:
            # All of the group's images are deleted: as in the process, there is nothing to tell.
            if group_id is None:
                raise

    async def _log(self, group_id: str | None, after: int) -> AsyncGenerator[JobEvent]:
        stream = EventStream(
            self._wire, in_query(group_id=group_id), after=None, patience_s=self._patience_s
        )
        async with aclosing(stream.updates()) as hints:
            hint: Update | None = None
            while True:
                news = hint is None or hint.position > after
                while news:
                    page = await self.read_events(group_id, after=after)
                    for event in page.events:
                        after = event.position
                        yield event
                    if page.settled and not page.events:
                        return
                    news = bool(page.events)  # until there are none: only then it may be over
                hint = await anext(hints)

    async def read_events(self, group_id: str | None = None, *, after: int = 0) -> EventPage:
        """See ``Acting.read_events``."""
        query = in_query(group_id=group_id, after=after)
        told = await self._wire.get(LogTold, "/events/log", query)
        events = tuple(each.event(self.principal) for each in told.events)
        return EventPage(events=events, settled=told.settled)

    async def follow(
        self,
        wake: Callable[[], None],
        *,
        image_id: str | None = None,
        group_id: str | None = None,
        project_id: str | None = None,
        after: int | None = None,
    ) -> tuple[Follower, list[Update]]:
        """Not over HTTP (``Unsupported``): it is for whoever serves event streams."""
        raise Unsupported(
            "Nobody can be woken over HTTP.", remedy="Iterate over `updates` or `events`."
        )

    @needs("events:read")
    def updates(
        self,
        *,
        image_id: str | None = None,
        group_id: str | None = None,
        project_id: str | None = None,
        after: int | None = None,
    ) -> AsyncIterator[Update]:
        """See ``Acting.updates``."""
        query = in_query(image_id=image_id, group_id=group_id, project_id=project_id)
        return self._updates(query, after)

    async def _updates(self, query: dict[str, str], after: int | None) -> AsyncGenerator[Update]:
        stream = EventStream(self._wire, query, after=after, patience_s=self._patience_s)
        async with aclosing(stream.updates()) as updates:
            async for update in updates:
                if update is not None:
                    yield update

    async def usage(self) -> Usage:
        """See ``Acting.usage``."""
        return await self.billing.usage()

    async def wait(self, group: Group) -> Group:
        """See ``Acting.wait``."""
        async with aclosing(self._events(group.id, 0)) as events:
            async for _ in events:
                pass
        return await self.images.group(group.id)
