"""Everything that one principal may do, in its account only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from staging_core.api_keys import ApiKeys
from staging_core.database.streams import Scope
from staging_core.follower import Follower
from staging_core.live import Live
from staging_core.models import Actor, EventPage, Group, JobEvent, Principal, Update, Usage
from staging_core.ports import Ports
from staging_core.profile import OwnProfile
from staging_core.scoped import needs
from staging_core.tickets import Tickets
from staging_core.watch import Watch

from .account import Account
from .billing import Billing
from .images import Images
from .jobs import Jobs
from .projects import Projects
from .uploads import Uploads
from .webhooks import Webhooks


class Acting:
    """What ``Staging.acting_as`` gives: everything one principal may do, in its account only.

    A method that the principal's scopes do not allow raises ``Forbidden`` and does nothing.
    """

    def __init__(
        self,
        ports: Ports,
        watch: Watch,
        live: Live,
        principal: Principal,
        *,
        request_id: str | None = None,
    ) -> None:
        self.principal = self._principal = principal
        actor = Actor(
            user_id=principal.user_id, account_id=principal.account_id, request_id=request_id
        )
        self.images = Images(ports, principal)
        self.jobs = Jobs(ports, principal)
        self.profile = OwnProfile(ports, principal)
        self.keys = ApiKeys(ports, principal, actor)
        self.tickets = Tickets(ports, principal)
        self.projects = Projects(ports, principal)
        self.uploads = Uploads(ports, principal)
        self.webhooks = Webhooks(ports, principal)
        self.account = Account(ports, principal, actor)
        self.billing = Billing(ports, principal)
        self._watch = watch
        self._live = live

    @needs("events:read")
    def events(self, group: Group | None = None, *, after: int = 0) -> AsyncIterator[JobEvent]:
        """Events in order and without a gap, from the row after position ``after`` on.

        Of a group: the stream ends when all its jobs have. Else all of the account's, without end.
        """
        group_id = None if group is None else group.id
        return self._watch.follow(self.principal.account_id, group_id=group_id, after=after)

    @needs("events:read")
    async def read_events(self, group_id: str | None = None, *, after: int = 0) -> EventPage:
        """What ``events`` would give now, without waiting: up to 500 after position ``after``."""
        read = await self._watch.read(self.principal.account_id, group_id, after)
        return EventPage(events=tuple(read[0]), settled=read[1])

    @needs("events:read")
    async def follow(
        self,
        wake: Callable[[], None],
        *,
        image_id: str | None = None,
        group_id: str | None = None,
        project_id: str | None = None,
        after: int | None = None,
    ) -> tuple[Follower, list[Update]]:
        """Follow the account's images, or some: where they stand, and what comes.

        ``wake``: called, quickly, whenever the follower's ``take`` has something. ``after``: a
        position that an update told before; every event since is told again. ``NotFound``. Within
        ``CHECK_S`` of the end of what was signed in with, of the account or of what is followed,
        ``take`` raises what a new attempt would get.
        """
        scope = self._scope(image_id, group_id, project_id)
        return await self._live.follow(scope, wake, self.principal, after=after)

    @needs("events:read")
    def updates(
        self,
        *,
        image_id: str | None = None,
        group_id: str | None = None,
        project_id: str | None = None,
        after: int | None = None,
    ) -> AsyncIterator[Update]:
        """The same as a stream without an end: first snapshots, then what happens."""
        scope = self._scope(image_id, group_id, project_id)
        return self._live.updates(scope, self.principal, after=after)

    def _scope(self, image_id: str | None, group_id: str | None, project_id: str | None) -> Scope:
        return Scope(
            account_id=self.principal.account_id,
            image_id=image_id,
            group_id=group_id,
            project_id=project_id,
        )

    @needs("billing:read")
    async def usage(self) -> Usage:
        """How many images became ready in this period, and how many may still be had."""
        return await self.billing.usage()

    async def wait(self, group: Group) -> Group:
        """The group when all its jobs have ended."""
        async for _ in self.events(group):
            pass
        return await self.images.group(group.id)
