"""What every plugin owes: the rules of ``staging_core.hookspecs``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

from staging_core.config import Settings
from staging_core.hooks import PROVIDER_HOOKS, Hooks
from staging_core.models import ROOMS, STYLES, BillingEvent, Principal, StageRequest
from staging_core.plugins import load_plugins

from .base import Conformance, check
from .loop_gap import longest_gap
from .occasions import JOB, OpenStaging, billing_events, events, picture
from .pixels import as_pixels
from .taking_part import Refusal, check_picture, declared, imported, no_io, outcome

STATEMENT = "Virtually staged"


class PluginConformance(Conformance):
    """``plugin``: the name of an installed plugin, or the plugin object.

    ``settings`` holds its table under its name. ``loop_gap_s``: how long its hooks may make the
    event loop stand still.
    """

    plugin: ClassVar[Any]
    loop_gap_s: ClassVar[float] = 0.5

    # --- loading --------------------------------------------------------------------------------

    @check("functions marked ``@hookimpl``", opened=False)
    async def test_it_loads(self, home: Path) -> None:
        assert self._hooks().plugins.describe()[0].hooks

    @check("``DuplicateName`` when two plugins declare the same scheme", opened=False)
    async def test_it_gets_on_with_the_built_in_plugin(self, home: Path) -> None:
        hooks = Hooks(load_plugins([self.plugin]))
        hooks.commands()
        for kind in PROVIDER_HOOKS:
            hooks.providers(kind)

    # --- declaring ------------------------------------------------------------------------------

    @check("plain ``def``, returns data, does no I/O", opened=False)
    async def test_declaring_does_no_io(self, home: Path) -> None:
        hooks = self._hooks()
        hooks.commands()  # what is imported by now is not imported again below
        declared(hooks)
        with no_io():
            hooks.commands()
            declared(hooks)

    @check("plain ``def``, returns data", opened=False)
    async def test_declaring_twice_gives_the_same(self, home: Path) -> None:
        hooks = self._hooks()
        assert declared(hooks) == declared(hooks)
        assert hooks.commands() == hooks.commands()

    @check('``opens``: ``"module:function"`` of its ``Opener``', opened=False)
    async def test_every_provider_can_be_imported(self, home: Path) -> None:
        for provider in declared(self._hooks()):
            assert callable(imported(provider.opens, provider.install))

    @check('``opens``: ``"module:attribute"`` of a click command', opened=False)
    async def test_every_command_can_be_imported(self, home: Path) -> None:
        import click

        for _, command in self._hooks().commands():
            assert isinstance(imported(command.opens), click.Command)

    @check("A backend for one URL scheme.", opened=False)
    async def test_everything_declared_says_what_it_is(self, home: Path) -> None:
        hooks = self._hooks()
        summaries = [provider.summary for provider in declared(hooks)]
        summaries += [command.summary for _, command in hooks.commands()]
        for summary in summaries:
            assert summary.strip()
            assert "\n" not in summary

    # --- taking part ----------------------------------------------------------------------------

    @check("each gets what the one before returned, None keeps it, raising ``Refused`` vetoes")
    async def test_before_submit_gives_a_request_or_refuses(self, hooks: Hooks) -> None:
        principal = Principal(account_id="local")
        for room, style in product(ROOMS, STYLES):
            asked = StageRequest(room=room, style=style, seed=1)
            given = await outcome(hooks.before_submit(asked, principal))
            assert isinstance(given, StageRequest) or all(given), "a refusal without words"
            assert asked == StageRequest(room=room, style=style, seed=1)

    @check("Change or refuse a result.")
    async def test_after_stage_gives_pictures_or_refuses(self, hooks: Hooks) -> None:
        given = await outcome(hooks.after_stage(JOB, (picture(), picture())))
        if isinstance(given, Refusal):
            assert all(given), "a refusal without words"
        else:
            for output in given:
                check_picture(output)

    @check("Called in the worker after verifying; again after a crash.")
    async def test_after_stage_may_be_called_again(self, hooks: Hooks) -> None:
        answers = [await outcome(hooks.after_stage(JOB, (picture(),))) for _ in range(2)]
        assert answers[0] == answers[1]

    @check("Put the disclosure statement on the labelled copy.")
    async def test_a_label_changes_the_picture_and_keeps_its_size(self, hooks: Hooks) -> None:
        if not hooks.labels():
            return
        for clean in (picture(), picture(640, 480), picture(200, 900)):
            labelled = await hooks.label(JOB, clean, STATEMENT)
            if labelled is None:
                continue
            check_picture(labelled)
            assert (labelled.width, labelled.height) == (clean.width, clean.height)
            assert as_pixels(labelled.data).tobytes() != as_pixels(clean.data).tobytes()

    @check("May be called again after a crash.")
    async def test_a_label_is_the_same_when_put_on_again(self, hooks: Hooks) -> None:
        answers = [await hooks.label(JOB, picture(), STATEMENT) for _ in range(2)]
        assert answers[0] == answers[1]

    @check("``def``, which runs in a thread")
    async def test_the_event_loop_goes_on_meanwhile(self, hooks: Hooks) -> None:
        await hooks.label(JOB, picture(), STATEMENT)  # the first call may still import
        async with longest_gap() as gap:
            await hooks.label(JOB, picture(1600, 1200), STATEMENT)
            await outcome(hooks.after_stage(JOB, (picture(1600, 1200),)))
            for observer in hooks.observers():
                await hooks.observe(observer, events(1)[0])
            for observer in hooks.observers(BillingEvent):
                await hooks.observe(observer, billing_events(1)[0])
        assert gap.seconds < self.loop_gap_s, f"the loop stood still for {gap.seconds:.2f} s"

    # --- observing ------------------------------------------------------------------------------

    @check("At least once, in order per job")
    async def test_the_same_event_may_come_twice(self, hooks: Hooks) -> None:
        for observer in hooks.observers():
            for event in events(4):
                await hooks.observe(observer, event)
                await hooks.observe(observer, event)

    @check("At least once, in order per job")
    async def test_events_may_be_shown_again_from_the_start(self, hooks: Hooks) -> None:
        for observer in hooks.observers():
            for event in (*events(4), *events(4)):
                await hooks.observe(observer, event)

    @check("At least once, in order per account")
    async def test_the_same_billing_event_may_come_twice(self, hooks: Hooks) -> None:
        for observer in hooks.observers(BillingEvent):
            for event in billing_events(4):
                await hooks.observe(observer, event)
                await hooks.observe(observer, event)

    @check("At least once, in order per account")
    async def test_billing_events_may_be_shown_again_from_the_start(self, hooks: Hooks) -> None:
        for observer in hooks.observers(BillingEvent):
            for event in (*billing_events(4), *billing_events(4)):
                await hooks.observe(observer, event)

    @check("Called when a ``Staging`` has opened all its backends", opened=False)
    async def test_it_starts_and_stops_more_than_once(self, home: Path) -> None:
        hooks = self._hooks()
        opened = self._staging(home)
        for _ in range(2):
            await hooks.startup(opened)
            assert not await hooks.shutdown(opened), "its staging_shutdown failed"

    @check("Called before a ``Staging`` closes its backends", opened=False)
    async def test_it_leaves_no_task_behind(self, home: Path) -> None:
        before = asyncio.all_tasks()
        hooks, opened = self._hooks(), self._staging(home)
        await hooks.startup(opened)
        for observer in hooks.observers():
            await hooks.observe(observer, events(1)[0])
        await hooks.shutdown(opened)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == before

    # --- what the checks share ------------------------------------------------------------------

    @asynccontextmanager
    async def open(self, home: Path, url: Any = None) -> AsyncIterator[Hooks]:
        """The plugin's hooks alone, after its startup."""
        hooks, staging = self._hooks(), self._staging(home)
        await hooks.startup(staging)
        try:
            yield hooks
        finally:
            await hooks.shutdown(staging)

    def _hooks(self) -> Hooks:
        return Hooks(load_plugins([self.plugin], include_builtin=False))

    def _staging(self, home: Path) -> Any:
        settings = Settings.from_keywords(home=home, plugin_settings=dict(self.settings) or None)
        return OpenStaging(settings)
