"""The plugin: rules before a submit, a journal after every event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from staging_core.hookspecs import hookimpl
from staging_core.models import JobEvent, StageRequest

from .journal import Journal
from .rules import Rules

if TYPE_CHECKING:
    from staging_core import Staging


class Policy:
    """Takes part in four hooks. ``rules``: those of a host; else the table ``[plugins.policy]``."""

    name = "policy"

    def __init__(self, rules: Rules | None = None) -> None:
        self._given = rules
        self._rules = rules or Rules()
        self._journal: Journal | None = None

    @hookimpl
    def staging_startup(self, staging: Staging) -> None:
        """Read the rules; a room or style that does not exist stops the opening."""
        self._rules = self._given or staging.settings.plugin(self.name, Rules)
        self._rules.check_names()
        if self._rules.journal:
            self._journal = Journal(staging.settings.home / self._rules.journal)

    @hookimpl
    def staging_before_submit(self, request: StageRequest) -> None:
        """Refuse what the rules do not allow."""
        self._rules.check(request)

    @hookimpl
    def staging_job_event(self, event: JobEvent) -> None:
        """Write the event down; an error shows it again later."""
        if self._journal:
            self._journal.add(event)

    @hookimpl
    def staging_shutdown(self) -> None:
        """Close the journal."""
        self._journal = None
