"""Plugins that break one rule each."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Iterable
from itertools import count
from typing import Any

import msgspec

from staging_core.errors import Refused
from staging_core.hookspecs import hookimpl
from staging_core.models import (
    BillingEvent,
    Command,
    Job,
    JobEvent,
    Picture,
    Provider,
    StageRequest,
)
from staging_core.testing.conformance import PluginConformance

from .row import Broken

OPENS = "staging_core.backends.free_billing:open_free_billing"


class HooksNothing:
    """Has no function that is marked as a hook."""


class TakesAnothersScheme:
    """Declares ``file:`` once more."""

    @hookimpl
    def staging_storages(self) -> Iterable[Provider]:
        return [Provider(scheme="file", opens=OPENS, summary="Files, again.")]


class ReadsAFile:
    """Looks into a file to know what to declare."""

    @hookimpl
    def staging_billings(self) -> Iterable[Provider]:
        with open(__file__) as file:
            return [Provider(scheme="mine", opens=OPENS, summary=file.readline().strip('."\n'))]


class DeclaresSomethingElse:
    """Declares another scheme each time."""

    def __init__(self) -> None:
        self._times = count()

    @hookimpl
    def staging_billings(self) -> Iterable[Provider]:
        return [Provider(scheme=f"mine{next(self._times)}", opens=OPENS, summary="Changes.")]


class NamesNoModule:
    """Declares a backend that is nowhere."""

    @hookimpl
    def staging_billings(self) -> Iterable[Provider]:
        return [Provider(scheme="mine", opens="nowhere_at_all:open", summary="Is nowhere.")]


class CommandIsNone:
    """Declares a command that is no click command."""

    @hookimpl
    def staging_commands(self) -> Iterable[Command]:
        return [Command(name="mine", opens=OPENS, summary="Is no command.")]


class SaysNothing:
    """Declares without a word."""

    @hookimpl
    def staging_billings(self) -> Iterable[Provider]:
        return [Provider(scheme="mine", opens=OPENS, summary="")]


class GivesATable:
    """Answers a dict for a request."""

    @hookimpl
    def staging_before_submit(self, request: StageRequest) -> Any:
        return {"room": request.room}


class LiesAboutTheSize:
    """Says that a picture is wider than it is."""

    @hookimpl
    def staging_after_stage(self, outputs: tuple[Picture, ...]) -> tuple[Picture, ...]:
        return tuple(msgspec.structs.replace(one, width=one.width + 1) for one in outputs)


class RefusesEverySecond:
    """Forgets what it said before the crash."""

    def __init__(self) -> None:
        self._times = count()

    @hookimpl
    def staging_after_stage(self, job: Job) -> None:
        if next(self._times) % 2:
            raise Refused("Not this time.")


class LabelsNothing:
    """Gives the clean picture in new bytes."""

    @hookimpl
    def staging_label(self, picture: Picture) -> Picture:
        return msgspec.structs.replace(picture, data=picture.data + b"\0")


class LabelsWithTheTime:
    """Puts another label on each time."""

    def __init__(self) -> None:
        self._times = count(1)

    @hookimpl
    def staging_label(self, picture: Picture) -> Picture:
        return _with_bar(picture, next(self._times))


class BlocksTheLoop:
    """Works on the event loop."""

    @hookimpl
    async def staging_job_event(self, event: JobEvent) -> None:
        time.sleep(0.2)  # noqa: ASYNC251 - that is what is broken here


class SeesAnEventOnce:
    """Trips over an event that comes again."""

    @hookimpl
    def staging_startup(self) -> None:
        self._last = 0

    @hookimpl
    def staging_job_event(self, event: JobEvent) -> None:
        if event.position == self._last:
            raise ValueError("seen already")
        self._last = event.position


class OnlyGoesForward:
    """Trips over an event before the last."""

    @hookimpl
    def staging_startup(self) -> None:
        self._last = 0

    @hookimpl
    def staging_job_event(self, event: JobEvent) -> None:
        if event.position < self._last:
            raise ValueError("out of order")
        self._last = event.position


class SeesABillingEventOnce:
    """Trips over a billing event that comes again."""

    @hookimpl
    def staging_startup(self) -> None:
        self._last = ""

    @hookimpl
    def staging_billing_event(self, event: BillingEvent) -> None:
        if event.id == self._last:
            raise ValueError("seen already")
        self._last = event.id


class OnlyGoesForwardInMoney:
    """Trips over a billing event before the last."""

    @hookimpl
    def staging_startup(self) -> None:
        self._last = 0

    @hookimpl
    def staging_billing_event(self, event: BillingEvent) -> None:
        if event.position < self._last:
            raise ValueError("out of order")
        self._last = event.position


class FailsToStop:
    """Raises when it is told to stop."""

    @hookimpl
    def staging_shutdown(self) -> None:
        raise ConnectionError("gone")


class LeavesATask:
    """Starts a task and never stops it."""

    @hookimpl
    async def staging_startup(self) -> None:
        self._task = asyncio.create_task(asyncio.sleep(3600))


def _with_bar(picture: Picture, height: int) -> Picture:
    from PIL import Image

    with Image.open(io.BytesIO(picture.data)) as opened:
        labelled = opened.convert("RGB")
    labelled.paste((0, 0, 0), (0, 0, labelled.width, height))
    buffer = io.BytesIO()
    labelled.save(buffer, "PNG")
    return msgspec.structs.replace(picture, data=buffer.getvalue(), content_type="image/png")


def _plugin(plugin: type[Any], *fails: str, **attributes: Any) -> Broken:
    suite = type(plugin.__name__, (PluginConformance,), {"plugin": plugin(), **attributes})
    return Broken(plugin.__name__, suite, frozenset(fails))


_ALL = tuple(name for name in vars(PluginConformance) if name.startswith("test_"))

BROKEN_PLUGINS = (
    _plugin(HooksNothing, *_ALL),
    _plugin(TakesAnothersScheme, "test_it_gets_on_with_the_built_in_plugin"),
    _plugin(ReadsAFile, "test_declaring_does_no_io"),
    _plugin(DeclaresSomethingElse, "test_declaring_twice_gives_the_same"),
    _plugin(NamesNoModule, "test_every_provider_can_be_imported"),
    _plugin(CommandIsNone, "test_every_command_can_be_imported"),
    _plugin(SaysNothing, "test_everything_declared_says_what_it_is"),
    _plugin(GivesATable, "test_before_submit_gives_a_request_or_refuses"),
    _plugin(LiesAboutTheSize, "test_after_stage_gives_pictures_or_refuses"),
    _plugin(RefusesEverySecond, "test_after_stage_may_be_called_again"),
    _plugin(LabelsNothing, "test_a_label_changes_the_picture_and_keeps_its_size"),
    _plugin(LabelsWithTheTime, "test_a_label_is_the_same_when_put_on_again"),
    _plugin(BlocksTheLoop, "test_the_event_loop_goes_on_meanwhile", loop_gap_s=0.1),
    _plugin(SeesAnEventOnce, "test_the_same_event_may_come_twice"),
    _plugin(OnlyGoesForward, "test_events_may_be_shown_again_from_the_start"),
    _plugin(SeesABillingEventOnce, "test_the_same_billing_event_may_come_twice"),
    _plugin(OnlyGoesForwardInMoney, "test_billing_events_may_be_shown_again_from_the_start"),
    _plugin(FailsToStop, "test_it_starts_and_stops_more_than_once"),
    _plugin(LeavesATask, "test_it_leaves_no_task_behind"),
)
