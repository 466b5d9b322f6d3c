"""Hooks that change something: what may come back, and whose fault a failure is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from staging_core.errors import (
    Busy,
    HookFailed,
    Refused,
    RoomNotUnderstood,
)
from staging_core.models import Job, Picture, Principal, StageRequest

from .hooked import (
    EVENT,
    JOB,
    ME,
    OTHER,
    PICTURE,
    REQUEST,
    hooks,
    plugin,
)

pytestmark = pytest.mark.anyio


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
