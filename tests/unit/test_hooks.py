"""Calling plugins: what may come back, how long it may take, and whose fault a failure is."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import pytest

from staging_core.errors import (
    Busy,
    DuplicateName,
    HookFailed,
    PluginError,
    Refused,
    RoomNotUnderstood,
)
from staging_core.hooks import Hooks
from staging_core.hookspecs import hookimpl
from staging_core.models import Command, Job, JobEvent, Picture, Principal, Provider, StageRequest
from staging_core.plugins import load_plugins

Install = Callable[..., str]
pytestmark = pytest.mark.anyio

JOB = Job(
    id="j", image_id="i", group_id="g", account_id="a", state="staging", model="fake", attempts=1
)
PICTURE = Picture(data=b"png", content_type="image/png", width=4, height=3)
OTHER = Picture(data=b"other", content_type="image/png", width=4, height=3)
REQUEST = StageRequest(room="bedroom", style="modern", seed=7)
ME = Principal(account_id="a")
EVENT = JobEvent(
    position=1,
    account_id="a",
    job_id="j",
    image_id="i",
    group_id="g",
    seq=1,
    type="state",
    state="queued",
    at=0.0,
)
STAGING: Any = object()


def plugin(name: str = "acme", **functions: Any) -> object:
    """A plugin whose hooks are ``functions``, without their prefix."""
    marked = {f"staging_{hook}": hookimpl(function) for hook, function in functions.items()}
    return SimpleNamespace(name=name, **marked)


def hooks(*plugins: object, time_limit_s: float = 5.0, builtin: bool = False) -> Hooks:
    return Hooks(load_plugins(plugins, include_builtin=builtin), time_limit_s)


def provider(scheme: str = "acme", **more: Any) -> Provider:
    return Provider(scheme=scheme, opens="acme.stager:open_acme", summary="Acme", **more)


# --- declare --------------------------------------------------------------------------------------


def test_providers_are_known_by_scheme_with_their_plugin() -> None:
    known = hooks(plugin(stagers=lambda: [provider()]), builtin=True).providers("stager")
    assert known["acme"] == ("acme", provider())
    assert {"render", "fake"} < known.keys()
    assert known["render"][0] == "staging-core"


def test_a_declaring_hook_may_yield_or_have_nothing_to_declare() -> None:
    def declared() -> Iterable[Provider]:
        yield provider("one")
        yield provider("two")

    known = hooks(plugin(queues=declared), plugin("none", queues=lambda: None))
    assert known.providers("queue").keys() == {"one", "two"}
    assert known.providers("billing") == {}


def test_two_plugins_with_one_scheme_are_both_named() -> None:
    with pytest.raises(DuplicateName, match=r"storage scheme 'file'.*'staging-core' and 'acme'"):
        hooks(plugin(storages=lambda: [provider("file")]), builtin=True).providers("storage")


def test_the_same_scheme_may_be_used_by_another_kind() -> None:
    both = hooks(plugin(stagers=lambda: [provider()], storages=lambda: [provider()]))
    assert both.providers("stager").keys() == both.providers("storage").keys() == {"acme"}


def test_two_plugins_with_one_command_are_both_named() -> None:
    mine = Command(name="stage", opens="acme.cli:stage", summary="Mine")
    with pytest.raises(DuplicateName, match=r"'stage'.*'staging-core' and 'acme'"):
        hooks(plugin(commands=lambda: [mine]), builtin=True).commands()


def test_commands_keep_the_order_of_their_plugins() -> None:
    mine = Command(name="mine", opens="acme.cli:mine", summary="Mine")
    found = hooks(plugin(commands=lambda: [mine]), builtin=True).commands()
    assert found[0][1].name == "stage"
    assert found[-1] == ("acme", mine)


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        (lambda: [print], "builtin_function_or_method where a Provider belongs"),
        (lambda: 7, "not iterable"),
        (lambda: [provider(install=None)], "Expected `str`, got `null`"),
        (lambda: [provider(requires_env="KEY")], "Expected `array`"),
        (lambda: [provider("Acme!")], "'Acme!' is not a URL scheme"),
        (lambda: [provider("*")], "not a URL scheme"),
        (lambda: [Provider(scheme="acme", opens="acme", summary="")], "module:function"),
        (lambda: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_a_plugin_that_declares_wrongly_is_named(declared: Any, told: str) -> None:
    with pytest.raises(PluginError, match=r"'acme' failed in staging_stagers") as failed:
        hooks(plugin(stagers=declared)).providers("stager")
    assert told in failed.value.message
    assert failed.value.__cause__ is not None


def test_only_a_storage_may_serve_every_scheme() -> None:
    assert hooks(plugin(storages=lambda: [provider("*")])).providers("storage").keys() == {"*"}


def test_a_command_is_a_word() -> None:
    wrong = Command(name="two words", opens="acme.cli:mine", summary="")
    with pytest.raises(PluginError, match="'two words' is not a command's name"):
        hooks(plugin(commands=lambda: [wrong])).commands()


# --- chained: what comes back ---------------------------------------------------------------------


async def test_each_plugin_gets_what_the_one_before_returned() -> None:
    def to_japandi(request: StageRequest) -> StageRequest:
        return StageRequest(room=request.room, style="japandi", seed=request.seed)

    async def to_office(request: StageRequest, principal: Principal) -> StageRequest:
        assert principal == ME
        return StageRequest(room="office", style=request.style, seed=request.seed)

    changed = await hooks(
        plugin("one", before_submit=to_japandi), plugin("two", before_submit=to_office)
    ).before_submit(REQUEST, ME)
    assert changed == StageRequest(room="office", style="japandi", seed=7)


async def test_none_keeps_what_there_was() -> None:
    idle = plugin(
        before_submit=lambda: None, after_stage=lambda outputs: None, label=lambda picture: None
    )
    assert await hooks(idle).before_submit(REQUEST, ME) is REQUEST
    assert await hooks(idle).after_stage(JOB, (PICTURE,)) == (PICTURE,)
    assert await hooks(idle).label(JOB, PICTURE, "Virtually staged") is None


async def test_without_plugins_everything_stays_as_it_is() -> None:
    assert await hooks().before_submit(REQUEST, ME) is REQUEST
    assert await hooks().after_stage(JOB, (PICTURE,)) == (PICTURE,)
    assert await hooks().label(JOB, PICTURE, "Virtually staged") is None
    assert not hooks().labels()


async def test_a_plugin_may_change_and_add_outputs() -> None:
    adding = plugin(after_stage=lambda outputs: (*outputs, OTHER))
    assert await hooks(adding).after_stage(JOB, (PICTURE,)) == (PICTURE, OTHER)


async def test_a_label_is_the_picture_that_the_last_plugin_made() -> None:
    def stamped(job: Job, picture: Picture, statement: str) -> Picture:
        assert job == JOB
        return Picture(
            data=picture.data + statement.encode(), content_type="image/png", width=4, height=3
        )

    labelling = hooks(plugin("one", label=stamped), plugin("two", label=stamped))
    assert labelling.labels()
    labelled = await labelling.label(JOB, PICTURE, "!")
    assert labelled is not None
    assert labelled.data == b"png!!"


@pytest.mark.parametrize(
    "wrong",
    [
        "bedroom",
        StageRequest(room="bedroom", style="modern", seed=0),
        StageRequest(room="bedroom", style="modern", seed=1, prompt="short"),
        StageRequest(room="castle", style="modern", seed=1),
        StageRequest(room="Bedroom", style="modern", seed=1),
        StageRequest(room="bedroom", style="modern", seed=1, options={"a": object()}),
    ],
    ids=["text", "seed", "prompt", "room", "spelling", "options"],
)
async def test_a_request_of_the_wrong_kind_is_its_plugins_fault(wrong: Any) -> None:
    with pytest.raises(HookFailed, match=r"'acme' failed in staging_before_submit"):
        await hooks(plugin(before_submit=lambda: wrong)).before_submit(REQUEST, ME)


@pytest.mark.parametrize(
    "wrong",
    [
        (),
        [PICTURE],
        PICTURE,
        (PICTURE, b"png"),
        (Picture(data="png", content_type="image/png", width=4, height=3),),  # type: ignore[arg-type]
    ],
    ids=repr,
)
async def test_outputs_of_the_wrong_kind_are_their_plugins_fault(wrong: Any) -> None:
    with pytest.raises(HookFailed, match=r"'acme' failed in staging_after_stage"):
        await hooks(plugin(after_stage=lambda: wrong)).after_stage(JOB, (PICTURE,))


async def test_a_def_that_gives_a_coroutine_is_told_to_be_an_async_def() -> None:
    async def later() -> None:
        """Not awaited by anybody."""

    lazy = plugin(label=lambda: later(), job_event=lambda: later())  # noqa: PLW0108
    with pytest.raises(HookFailed, match="gave a coroutine; make it an `async def`"):
        await hooks(lazy).label(JOB, PICTURE, "!")
    with pytest.raises(HookFailed, match="gave a coroutine; make it an `async def`"):
        await hooks(lazy).observe("acme", EVENT)


# --- chained: raising -----------------------------------------------------------------------------


@pytest.mark.parametrize("veto", [Refused("no kitchens"), RoomNotUnderstood("no floor")])
async def test_a_refusal_is_a_veto_and_the_plugins_after_it_are_not_asked(veto: Refused) -> None:
    asked = []

    def refuse() -> None:
        raise veto

    policy = plugin("policy", before_submit=refuse, after_stage=refuse, label=refuse)
    after = plugin("after", before_submit=lambda: asked.append("after"))
    with pytest.raises(Refused) as refused:
        await hooks(policy, after).before_submit(REQUEST, ME)
    assert refused.value is veto
    assert asked == []
    with pytest.raises(Refused):
        await hooks(policy).after_stage(JOB, (PICTURE,))
    with pytest.raises(Refused):
        await hooks(policy).label(JOB, PICTURE, "!")


@pytest.mark.parametrize(
    "raised", [ValueError("odd"), Busy(), SystemExit(3), StopIteration(), KeyboardInterrupt()]
)
async def test_anything_else_that_is_raised_names_plugin_and_hook(raised: BaseException) -> None:
    def fail() -> None:
        raise raised

    with pytest.raises(HookFailed, match=r"'acme' failed in staging_label") as failed:
        await hooks(plugin(label=fail)).label(JOB, PICTURE, "!")
    assert failed.value.__cause__ is not None


@pytest.mark.parametrize(
    "raised", [ValueError("odd"), Busy(), SystemExit(3), asyncio.CancelledError(), TimeoutError()]
)
async def test_so_does_what_an_async_def_raises(raised: BaseException) -> None:
    async def fail() -> None:
        raise raised

    with pytest.raises(HookFailed, match=r"'acme' failed in staging_label"):
        await hooks(plugin(label=fail)).label(JOB, PICTURE, "!")


# --- time -----------------------------------------------------------------------------------------


async def test_a_slow_async_def_is_cancelled_when_its_time_is_up() -> None:
    ended = asyncio.Event()

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(HookFailed, match=r"'acme' failed in staging_label: .*more than 0\.05 s"):
        await hooks(plugin(label=slow), time_limit_s=0.05).label(JOB, PICTURE, "!")
    await asyncio.wait_for(ended.wait(), 5)


async def test_an_async_def_that_will_not_be_cancelled_is_left_behind() -> None:
    free = asyncio.Event()
    ended = asyncio.Event()

    async def stubborn() -> None:
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                continue
        ended.set()
        raise ValueError("too late to matter")

    with pytest.raises(HookFailed, match="more than"):
        await hooks(plugin(label=stubborn), time_limit_s=0.05).label(JOB, PICTURE, "!")
    free.set()
    await asyncio.wait_for(ended.wait(), 5)


async def test_a_slow_def_is_left_behind_in_its_thread() -> None:
    free = threading.Event()
    ended = threading.Event()

    def slow() -> None:
        free.wait()
        ended.set()

    with pytest.raises(HookFailed, match=r"more than 0\.05 s"):
        await hooks(plugin(label=slow), time_limit_s=0.05).label(JOB, PICTURE, "!")
    free.set()
    assert await asyncio.to_thread(ended.wait, 5)


def test_a_def_that_never_returns_keeps_neither_loop_nor_process_alive() -> None:
    script = """
import asyncio, threading
from staging_core.timed_call import call_within

try:
    asyncio.run(call_within(0.05, threading.Event().wait, {}, name="acme"))
except TimeoutError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "it took more than 0.05 s\n"


async def test_the_event_loop_runs_on_while_a_def_works() -> None:
    loop = asyncio.get_running_loop()
    answered = threading.Event()

    def blocking() -> None:
        loop.call_soon_threadsafe(answered.set)
        assert answered.wait(5)

    assert await hooks(plugin(label=blocking)).label(JOB, PICTURE, "!") is None


async def test_cancelling_the_caller_cancels_the_hook() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def long() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    call = asyncio.create_task(hooks(plugin(label=long)).label(JOB, PICTURE, "!"))
    await began.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.wait_for(ended.wait(), 5)


async def test_a_hook_sees_the_context_of_its_caller() -> None:
    trace: ContextVar[str] = ContextVar("trace", default="")
    seen = []

    async def in_task() -> None:
        seen.append(trace.get())

    trace.set("t1")
    both = plugin("a", label=lambda: seen.append(trace.get())), plugin("b", label=in_task)
    await hooks(*both).label(JOB, PICTURE, "!")
    assert seen == ["t1", "t1"]


# --- observe --------------------------------------------------------------------------------------


async def test_an_observer_sees_the_event_and_only_the_one_that_is_told() -> None:
    seen = []
    both = hooks(
        plugin("one", job_event=lambda event: seen.append(("one", event))),
        plugin("two", job_event=lambda event: seen.append(("two", event))),
        plugin("deaf", label=lambda: None),
    )
    assert both.observers() == ("one", "two")
    await both.observe("two", EVENT)
    assert seen == [("two", EVENT)]


@pytest.mark.parametrize("raised", [ValueError("disk full"), Refused("no")])
async def test_an_observer_that_raises_is_named_so_that_it_is_told_again(
    raised: Exception,
) -> None:
    async def fail(event: JobEvent) -> None:
        raise raised

    with pytest.raises(HookFailed, match=r"'acme' failed in staging_job_event") as failed:
        await hooks(plugin(job_event=fail)).observe("acme", EVENT)
    assert failed.value.__cause__ is raised


def journal(told: list[str], name: str, *, fail: str = "") -> object:
    """A plugin that writes down what it is told of, and raises at ``fail``."""

    def note(what: str) -> Callable[[Any], None]:
        def hook(staging: Any) -> None:
            assert staging is STAGING
            told.append(f"{what} {name}")
            if what == fail:
                raise ValueError(f"{name} cannot")

        return hook

    return plugin(name, startup=note("startup"), shutdown=note("shutdown"))


async def test_plugins_start_in_order_and_shut_down_in_reverse() -> None:
    told: list[str] = []
    both = hooks(journal(told, "one"), journal(told, "two"))
    await both.startup(STAGING)
    assert await both.shutdown(STAGING) == []
    assert told == ["startup one", "startup two", "shutdown two", "shutdown one"]


async def test_a_startup_that_fails_stops_the_opening_and_shuts_down_what_had_started() -> None:
    told: list[str] = []
    three = hooks(
        journal(told, "one"), journal(told, "two", fail="startup"), journal(told, "three")
    )
    with pytest.raises(HookFailed, match=r"'two' failed in staging_startup: .*two cannot"):
        await three.startup(STAGING)
    assert told == ["startup one", "startup two", "shutdown one"]


async def test_every_plugin_is_told_of_the_shutdown_whatever_the_others_do(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: list[str] = []
    both = hooks(journal(told, "one"), journal(told, "two", fail="shutdown"))
    await both.startup(STAGING)
    (failure,) = await both.shutdown(STAGING)
    assert "'two' failed in staging_shutdown" in failure.message
    assert told[-2:] == ["shutdown two", "shutdown one"]
    assert failure.message in caplog.text
    assert await both.shutdown(STAGING) == []


# --- one broken plugin ----------------------------------------------------------------------------


async def test_a_broken_observer_does_not_take_another_down(install: Install) -> None:
    install("@hookimpl\ndef staging_job_event(event):\n    1 / 0", name="broken")
    seen: list[JobEvent] = []

    def note(event: JobEvent) -> None:
        seen.append(event)

    both = hooks("broken", plugin("sound", job_event=note))
    assert both.observers() == ("broken", "sound")
    with pytest.raises(HookFailed, match="'broken'"):
        await both.observe("broken", EVENT)
    await both.observe("sound", EVENT)
    assert seen == [EVENT]


# --- trace ----------------------------------------------------------------------------------------


async def test_a_trace_shows_names_and_times_and_never_an_argument(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STAGING_TRACE_HOOKS", "1")

    def fail(statement: str) -> None:
        raise ValueError(statement)

    traced = hooks(plugin("one", label=lambda: None, stagers=lambda: []), plugin("two", label=fail))
    traced.providers("stager")
    with pytest.raises(HookFailed):
        await traced.label(JOB, PICTURE, "sesame")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[0:2] for line in lines] == [
        ["staging_stagers", "one"],
        ["staging_label", "one"],
        ["staging_label", "two"],
    ]
    assert [line.split()[-1] for line in lines] == ["ok", "ok", "failed"]
    assert "sesame" not in "".join(lines)


async def test_without_the_variable_nothing_is_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    await hooks(plugin(label=lambda: None)).label(JOB, PICTURE, "!")
    assert capsys.readouterr() == ("", "")
