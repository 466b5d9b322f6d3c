"""Every moment at which a plugin is asked, and nothing else: the index of the extension points.

A plugin is a module or an object with functions marked ``@hookimpl``, made known by an entry
point in the group ``staging`` or handed to ``Staging(plugins=...)``. Hooks only gain arguments.
Three kinds: *declare* (plain ``def``, returns data, does no I/O), *chained* (each gets what the one
before returned, None keeps it, raising ``Refused`` vetoes) and *observe* (returns nothing, harms
nobody). Chained and observing hooks may be ``async def``, or ``def``, which runs in a thread.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from staging_core.config import Settings
    from staging_core.interfaces import Telemetry
    from staging_core.interfaces.opening import Role
    from staging_core.models import (
        BillingEvent,
        Command,
        Job,
        JobEvent,
        Picture,
        Principal,
        Provider,
        StageRequest,
    )
    from staging_core.staging import Staging

hookspec = pluggy.HookspecMarker("staging")
hookimpl = pluggy.HookimplMarker("staging")


@hookspec
def staging_stagers() -> Iterable[Provider]:  # type: ignore[empty-body]
    """Declare stagers. Called once, when ``Staging`` is built."""


@hookspec
def staging_storages() -> Iterable[Provider]:  # type: ignore[empty-body]
    """Declare storages. Called once, when ``Staging`` is built."""


@hookspec
def staging_queues() -> Iterable[Provider]:  # type: ignore[empty-body]
    """Declare queues. Called once, when ``Staging`` is built."""


@hookspec
def staging_authenticators() -> Iterable[Provider]:  # type: ignore[empty-body]
    """Declare authenticators. Called once, when ``Staging`` is built."""


@hookspec
def staging_billings() -> Iterable[Provider]:  # type: ignore[empty-body]
    """Declare billing backends. Called once, when ``Staging`` is built."""


@hookspec
def staging_commands() -> Iterable[Command]:  # type: ignore[empty-body]
    """Declare commands. Called when the command line looks for one it does not have itself."""


@hookspec
def staging_telemetry(  # type: ignore[empty-body]
    role: Role, settings: Settings
) -> AbstractContextManager[Telemetry]:
    """Give telemetry for a process of that role. Called when a ``Staging`` opens, before all else.

    It is entered then, and left after everything else is closed. Only one plugin may give it.
    """


@hookspec
def staging_before_submit(request: StageRequest, principal: Principal) -> StageRequest | None:
    """Change or refuse a request. Called in the caller's process, before the quote, per image."""


@hookspec
def staging_after_stage(job: Job, outputs: tuple[Picture, ...]) -> tuple[Picture, ...] | None:
    """Change or refuse a result. Called in the worker after verifying; again after a crash."""


@hookspec
def staging_label(job: Job, picture: Picture, statement: str) -> Picture | None:
    """Put the disclosure statement on the labelled copy. Called in the worker, before it is stored.

    The clean picture never passes through this hook. May be called again after a crash.
    """


@hookspec
def staging_job_event(event: JobEvent) -> None:
    """See an event after its commit.

    At least once, in order per job, in one process at a time per plugin. Raising means "show it to
    me again later"; the job never notices.
    """


@hookspec
def staging_billing_event(event: BillingEvent) -> None:
    """See what happened to what an account has and pays, after its commit.

    At least once, in order per account, in one process at a time per plugin. Raising means "show it
    to me again later"; nobody else notices.
    """


@hookspec
def staging_startup(staging: Staging) -> None:
    """Called when a ``Staging`` has opened all its backends; raising stops the opening."""


@hookspec
def staging_shutdown(staging: Staging) -> None:
    """Called before a ``Staging`` closes its backends; failures are reported, never raised."""
