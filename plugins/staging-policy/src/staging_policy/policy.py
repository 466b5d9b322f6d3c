"""The plugin: rules before a submit, a journal after every event."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from staging_core.errors import SettingError
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
        self._open: list[tuple[Rules, Path]] = []

    @hookimpl
    def staging_startup(self, staging: Staging) -> None:
        """Read the rules; a room or style that does not exist stops the opening."""
        rules = self._given or staging.settings.plugin(self.name, Rules)
        rules.check_names()
        path = staging.settings.home / rules.journal if rules.journal else Path()
        if self._open and self._open[0] != (rules, path):
            raise SettingError(
                "Two installations in this process want different policies.",
                remedy="Give each its own: Staging(plugins=[Policy(rules), ...]).",
            )
        if not self._open:
            self._rules = rules
            self._journal = Journal(path) if rules.journal else None
        self._open.append((rules, path))

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
        """Forget the journal when the last installation closes."""
        self._open.pop()
        if not self._open:
            self._journal = None
