"""The engine is cut at every call it makes outside: nothing is lost, doubled or left behind.

Three ways: the process dies there; it dies there twice; it freezes there while a rival takes its
job over, and then goes on. The syntax tree proves that no call was forgotten.
"""

from __future__ import annotations

import ast
import asyncio
import atexit
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from staging_core import OWNER, JobEvent, Settings, hookimpl
from staging_core.acting import Images, Jobs, Uploads
from staging_core.audit import SOUND, Audit, Evidence
from staging_core.database import images, outbox, schema
from staging_core.database.engine import open_database
from staging_core.errors import (
    NotFound,
    RoomNotUnderstood,
    SourceUnavailable,
    StorageError,
    StorageFull,
)
from staging_core.imaging.decoder import Decoder
from staging_core.models import Attempt, Job, ModelCard, Picture, Staged, StageRequest
from staging_core.photo import once
from staging_core.pipeline import Pipeline
from staging_core.reception import Reception
from staging_core.recovery import Recovery
from staging_core.testing.fake_deferred import FakeDeferred
from staging_core.testing.fake_script import Script
from staging_core.testing.fake_stager import FakeStager
from staging_core.testing.telemetry import Heard

from .closing import close, furnish
from .crashing import ENGINE, Crash, Cut
from .deferred_cases import (
    Hangs,
    Moody,
    Punctual,
    a_bad_day,
    a_good_day,
    a_lost_answer,
    check_predictions,
)
from .house import House, open_house
from .pictures import photo, sent


class Journal:
    """A plugin that keeps the events it is shown."""

    def __init__(self) -> None:
        self.seen: list[JobEvent] = []

    @hookimpl
    async def staging_job_event(self, event: JobEvent) -> None:
        self.seen.append(event)


class Stamp:
    """A plugin that labels. ``dry``: how many times it cannot."""

    def __init__(self, dry: int = 0) -> None:
        self.dry = dry

    @hookimpl
    async def staging_label(self, job: Job, picture: Picture, statement: str) -> Picture:
        if self.dry:
            self.dry -= 1
            raise RuntimeError("no ink")
        return Picture(
            data=picture.data + b" labelled",
            content_type=picture.content_type,
            width=picture.width,
            height=picture.height,
        )


class TwoOutputs(FakeStager):
    """Gives an output more than was asked for."""

    async def stage(self, request: StageRequest, photo: Any, attempt: Attempt) -> Staged:
        staged = await super().stage(request, photo, attempt)
        return Staged(outputs=staged.outputs * 2, report=staged.report)


class Refuser:
    """Understands no room."""

    card = ModelCard(id="fake", name="Refuser")

    async def stage(self, request: StageRequest, photo: Any, attempt: Attempt) -> Staged:
        raise RoomNotUnderstood("No walls were found.", overlay_png=b"why")


Scenario = Callable[[House, Cut], Awaitable[None]]


async def submit_and_carry(house: House, cut: Cut) -> None:
    """The whole way of a job, by a process that may die on it."""
    ports = cut.into(house.ports)
    await house.submit(ports, variants=1)
    await house.step(ports)
    await Recovery(ports).observe()


async def sweep_after_trouble(house: House, cut: Cut) -> None:
    """What a sweep may find: a queued job, an expired file, an orphan, a lost working copy."""
    group = await house.submit()
    async with house.ports.database.write() as tx:
        original = await images.original(tx, group.images[0].original_id)
        await outbox.post(tx, "local", "delete_object", {"key": original["working_key"]})
    await house.ports.storage.put(
        f"staged/{0:032x}/orphan.png", once(b"?"), content_type="image/png"
    )
    house.clock.ahead += 10_000
    ports = cut.into(house.ports)
    recovery = Recovery(ports)
    await recovery.sweep(bucket=True)
    await house.step(ports)
    await recovery.observe()
    await recovery.sweep(bucket=True)


class Full:
    """A storage without room."""

    async def put(self, key: str, data: Any, *, content_type: str) -> None:
        raise StorageFull()

    async def stat(self, key: str) -> None:
        raise StorageFull()


STAGERS: dict[str, tuple[Callable[[], object], str]] = {
    "plain": (FakeStager, "ready"),
    "ready": (TwoOutputs, "ready"),
    "busy": (lambda: FakeStager(Script.parse("busy,ok")), "ready"),
    "retry": (lambda: FakeStager(Script.parse("retryable,ok")), "ready"),
    "refused": (lambda: FakeStager(Script.parse("refused,refused,refused,refused")), "error"),
    "not understood": (Refuser, "error"),
    "punctual": (Punctual, "ready"),
    "moody": (Moody, "ready"),
}


@asynccontextmanager
async def installation(
    decoder: Decoder, *stagers: object, labels: Stamp | None = None
) -> AsyncIterator[tuple[House, Journal]]:
    """A fresh installation; decoding children are shared, since they keep nothing."""
    journal = Journal()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(empty_home(), folder, dirs_exist_ok=True)
        plugins = (journal,) if labels is None else (journal, labels)
        async with open_house(
            Path(folder), *stagers, decoder=decoder, plugins=plugins, max_attempts=8
        ) as house:
            for stager in stagers:
                if isinstance(stager, Moody):
                    house.ports = replace(house.ports, downloads=stager.downloads)  # type: ignore[arg-type]
            yield house, journal


@cache
def empty_home() -> Path:
    """A home whose database is at the newest schema; migrating takes longer than most scenarios."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)

    async def migrate() -> None:
        async with open_database(Settings.from_keywords(home=folder)) as database:
            await schema.upgrade(database)

    with ThreadPoolExecutor(1) as elsewhere:  # a loop runs here already
        elsewhere.submit(asyncio.run, migrate()).result()
    return folder


def labels_of(name: str) -> Stamp | None:
    """Without a plugin that labels, a job is ready in the transaction that keeps its result."""
    return None if name in ("plain", "punctual") else Stamp()


async def points_of(
    decoder: Decoder, name: str, scenario: Scenario
) -> tuple[int, set[tuple[str, int]]]:
    """How many points the scenario passes when nothing happens, and from which lines."""
    async with installation(decoder, STAGERS[name][0](), labels=labels_of(name)) as (house, _):
        cut = Cut()
        await scenario(house, cut)
        return cut.passed, cut.sites


Ending = Callable[[House, Scenario, int], Awaitable[None]]


def at_every_point(name: str, scenario: Scenario, ending: Ending, *, step: int = 1) -> None:
    """A fresh installation for each point of the scenario; ``ending`` cuts it there.

    ``step``: every third point, say, where all of them take too long for every day. With
    ``EVERY_CRASH_POINT=1`` in the environment it is always all of them.
    """
    step = 1 if os.environ.get("EVERY_CRASH_POINT") == "1" else step
    make, expected = STAGERS[name]

    async def all_points() -> None:
        async with Decoder() as decoder:
            total, _ = await points_of(decoder, name, scenario)
            assert total > 20
            for at in range(1, total + 1, step):
                async with installation(decoder, make(), labels=labels_of(name)) as it:
                    house, journal = it
                    await ending(house, scenario, at)
                    await check(house, journal, expected)

    asyncio.run(all_points())


async def check(house: House, journal: Journal, expected: str) -> None:
    """The client asks again, workers recover, and everything is as if nothing had happened."""
    group = await house.submit()
    assert len(await Images(house.ports, OWNER).page()) == 1, "a repeat is not a second order"
    await house.recover()
    assert await house.states() == [expected]
    assert await Audit(house.ports).count() == SOUND
    job = group.images[0].job.id
    log = await Jobs(house.ports, OWNER).history(job)
    shown = {event.seq: event for event in journal.seen if event.job_id == job}
    assert list(shown.values()) == log, "every event is shown, in order"
    keys = {entry.key async for entry in house.ports.storage.entries("staged/")}
    assert all(job in key for key in keys)
    labelled = int(house.ports.hooks.labels())
    assert len(keys) == {"ready": 1 + labelled, "error": 0}[expected] + extra(house), keys
    if isinstance(house.ports.stagers.get("fake-deferred"), Punctual):
        await check_predictions(house)


def extra(house: House) -> int:
    """A second output of the model, or the overlay of a refusal."""
    return int(isinstance(house.ports.stagers.get("fake"), TwoOutputs | Refuser))


CASES: list[tuple[str, Scenario]] = [
    *[(name, submit_and_carry) for name in STAGERS if name not in ("punctual", "moody")],
    ("ready", sweep_after_trouble),
    ("punctual", a_good_day),
    ("punctual", a_lost_answer),
    ("moody", a_bad_day),
]
STEPS = {a_good_day: 2, a_lost_answer: 4, a_bad_day: 25}
# How many points are stepped over: where it freezes, and where it dies twice.
RIVALLED: list[tuple[str, Scenario, int, int]] = [
    ("ready", submit_and_carry, 1, 1),
    ("punctual", a_good_day, 2, 5),
    ("punctual", a_lost_answer, 6, 12),
    ("moody", a_bad_day, 50, 100),
]


@pytest.mark.parametrize(("name", "scenario"), CASES)
def test_a_process_that_dies_at_any_point_loses_and_doubles_nothing(
    name: str, scenario: Scenario
) -> None:
    async def dies(house: House, scenario: Scenario, at: int) -> None:
        with pytest.raises(Crash):
            await scenario(house, Cut(at))

    at_every_point(name, scenario, dies, step=STEPS.get(scenario, 1))


@pytest.mark.parametrize(("name", "scenario", "step"), [(*case[:2], case[3]) for case in RIVALLED])
def test_a_process_that_dies_at_the_same_point_twice_loses_and_doubles_nothing(
    name: str, scenario: Scenario, step: int
) -> None:
    async def dies_twice(house: House, scenario: Scenario, at: int) -> None:
        for _ in range(2):
            with suppress(Crash):
                await scenario(house, Cut(at))
            house.clock.ahead += 100

    at_every_point(name, scenario, dies_twice, step=step)


@pytest.mark.parametrize(("name", "scenario", "step"), [case[:3] for case in RIVALLED])
def test_a_process_that_freezes_at_any_point_finds_its_job_taken_and_harms_nothing(
    name: str, scenario: Scenario, step: int
) -> None:
    async def freezes(house: House, scenario: Scenario, at: int) -> None:
        async def rival() -> None:
            house.clock.ahead += 100
            while await house.step():
                pass

        await scenario(house, Cut(at, freeze=rival))

    at_every_point(name, scenario, freezes, step=step)


async def stage_uploads(house: House, cut: Cut) -> None:
    """One photo comes through us, one past us; both are staged, by a process that may die on it."""
    uploads = Uploads(cut.into(house.ports), OWNER)
    received = await uploads.receive(sent(photo(8)), "room.jpg", idempotency_key="received")
    announced, _ = await uploads.presign(
        "room.jpg", "image/jpeg", len(photo(9)), idempotency_key="announced"
    )
    await house.ports.storage.put(announced.key, once(photo(9)), content_type="image/jpeg")
    named: dict[str, dict[str, Any]] = {
        "first": {"upload_id": received.id},
        "second": {"original_url": announced.key},
    }
    for key, photo_of in named.items():
        await Images(cut.into(house.ports), OWNER).submit(
            **photo_of, room="bedroom", style="modern", idempotency_key=key
        )
    while await house.step(cut.into(house.ports)):
        pass


def test_a_process_that_dies_while_it_takes_uploads_loses_and_doubles_nothing() -> None:
    async def scenario() -> None:
        async with Decoder() as decoder:
            at, whole = 0, False
            while not whole:
                at += 1
                async with installation(decoder, FakeStager()) as (house, _):
                    with suppress(Crash):
                        await stage_uploads(house, Cut(at))
                        whole = True
                    house.clock.ahead += 350  # until nobody believes in the first try any more
                    await stage_uploads(house, Cut())
                    await house.recover()
                    assert await house.states() == ["ready", "ready"]
                    assert await Audit(house.ports, Evidence(settled=True)).count() == SOUND
                    kept = [entry.key async for entry in house.ports.storage.entries("uploads/")]
                    assert len(kept) == 2, (at, kept)
            assert at > 40

    asyncio.run(scenario())


async def rare_uploads(house: House, cut: Cut) -> None:
    """A repeat, a type that does not fit the bytes, a client that breaks off, a photo elsewhere."""
    uploads = Uploads(cut.into(house.ports), OWNER)
    data = photo(7, "TIFF")
    for _ in range(2):
        announced, _ = await uploads.presign(
            "room.tif", "application/octet-stream", len(data), idempotency_key="again"
        )
    await house.ports.storage.put(
        announced.key, once(data), content_type="application/octet-stream"
    )
    await uploads.complete(announced.id)

    async def broken() -> AsyncIterator[bytes]:
        yield photo(6, width=900, height=700)
        raise ConnectionResetError

    with suppress(ConnectionResetError):
        await uploads.receive(broken(), "room.jpg")
    with suppress(SourceUnavailable):
        await uploads.from_url("https://nobody.invalid/room.jpg")


async def delete_all(house: House, cut: Cut) -> None:
    """Every image, by a process that may die on it, and then a sweep that may, too."""
    for image in await Images(house.ports, OWNER).page():
        await Images(cut.into(house.ports), OWNER).delete(image.id)
    await Recovery(cut.into(house.ports)).sweep()


@pytest.mark.parametrize("ended", [True, False])
def test_a_process_that_dies_while_it_deletes_leaves_no_object_and_no_job(ended: bool) -> None:
    async def scenario() -> None:
        async with Decoder() as decoder:
            at, whole = 0, False
            while not whole:
                at += 1
                async with installation(decoder, TwoOutputs()) as (house, _):
                    await house.submit(variants=1)
                    while ended and await house.step():
                        pass
                    with suppress(Crash):
                        await delete_all(house, Cut(at))
                        whole = True
                    with suppress(NotFound):
                        await delete_all(house, Cut())
                    await house.recover()
                    assert await house.states() == []
                    assert [entry async for entry in house.ports.storage.entries("")] == []
                    assert await Audit(house.ports, Evidence(settled=True)).count() == SOUND
            assert at > 10

    asyncio.run(scenario())


# --- no call is forgotten -------------------------------------------------------------------------


def effects(path: Path) -> list[ast.Call]:
    """Calls on a port that the module awaits, enters or iterates."""
    return [call for call in awaited_calls(path) if _is_on_port(call)]


def awaited_calls(path: Path) -> list[ast.Call]:
    found: list[ast.expr] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Await):
            found.append(node.value)
        elif isinstance(node, ast.AsyncWith):
            found += [item.context_expr for item in node.items]
        elif isinstance(node, ast.AsyncFor | ast.comprehension) and (
            isinstance(node, ast.AsyncFor) or node.is_async
        ):
            found.append(node.iter)
    return [node for node in found if isinstance(node, ast.Call)]


def _dotted(node: ast.expr) -> str:
    return ast.unparse(node)


def _is_on_port(call: ast.Call) -> bool:
    name = _dotted(call.func)
    return name.startswith(PORTS)


PORTS = (
    "self.ports.",
    "ports.",
    "self.storage.",
    "storage.",
    "self._stager.",
    "stager.",
    "finds.",
    "receives.",
    "copies.",
)


def test_every_awaited_effect_of_the_engine_has_a_fail_point_that_the_crash_tests_reach() -> None:
    async def all_sites() -> set[tuple[str, int]]:
        async with Decoder() as decoder:
            sites = [(await points_of(decoder, *case))[1] for case in CASES]
            rare = [await _rare_sites(decoder), await _rare_sites_of_deferred(decoder)]
            return set().union(*sites, *rare)

    reached = asyncio.run(all_sites())
    missed = [
        f"{path.name}:{call.lineno} {_dotted(call.func)}"
        for path in map(Path, sorted(ENGINE))
        for call in effects(path)
        if not any(
            (path.name, line) in reached
            for line in range(call.lineno, (call.end_lineno or call.lineno) + 1)
        )
    ]
    assert missed == [], missed


async def _rare_sites(decoder: Decoder) -> set[tuple[str, int]]:
    """What only happens on a worse day: giving back, failing deletions, repeats."""
    secretive = FakeStager()
    secretive.card = msgspec.structs.replace(secretive.card, secrets={"token": "Its provider's."})
    async with installation(decoder, secretive, labels=Stamp(dry=1)) as (house, _):
        twice = Cut()  # a checkpoint that is gone on from
        await house.submit()
        for _ in range(2):
            await house.step(twice.into(house.ports))
            house.clock.ahead += 100
    hanging = FakeStager(Script.parse("hangs"), time_limit_s=1)
    async with installation(decoder, hanging) as (house, _):
        cut = Cut()
        ports = replace(cut.into(house.ports), telemetry=Heard())
        recovery = Recovery(ports)
        await house.submit(ports)
        await house.submit(ports)  # a replay
        await house.submit(ports, idempotency_key="k2")  # the same original
        with suppress(StorageError):
            full: Any = Full()
            await house.submit(replace(ports, storage=full), number=1, idempotency_key="k3")
        async for copy in house.ports.storage.entries("working/"):
            await house.ports.storage.delete(copy.key)  # a working copy can be made again
        pipeline = Pipeline(ports)
        job = await pipeline.claim()
        assert job is not None
        carrying = asyncio.create_task(pipeline.carry(job))
        await hanging.called.wait()
        carrying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await carrying
        async with house.ports.database.write() as tx:
            await outbox.post(tx, "local", "delete_object", {"key": "../no such key"})
        await recovery.sweep()
        await recovery.give_back()
        await stage_uploads(house, cut)
        await rare_uploads(house, cut)
        await delete_all(house, cut)
    async with installation(decoder, FakeStager()) as (house, _):
        closing = Cut()
        await furnish(house)
        await close(house, closing)
    return cut.sites | twice.sites | closing.sites


async def _rare_sites_of_deferred(decoder: Decoder) -> set[tuple[str, int]]:
    """A storage that is away, a create that a stopping worker leaves, a poll, an odd callback."""
    provider = Hangs()
    async with installation(decoder, provider, FakeDeferred(name="other")) as (house, _):
        cut = Cut()
        ports = cut.into(house.ports)
        await house.submit()
        pipeline, full = Pipeline(ports), cast("Any", Full())
        await house.step(replace(ports, storage=full))
        house.clock.ahead += 100
        job = await pipeline.claim()
        assert job is not None
        carrying = asyncio.create_task(pipeline.carry(job))
        await provider.asked.wait()
        carrying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await carrying
        for _ in range(3):
            house.clock.ahead += 100
            await house.step(ports)
        odd = provider.callback("nobody-knows", at=house.clock())
        await Reception(ports).receive(odd, None)
        with suppress(NotFound):
            await Reception(ports).receive(odd, "no-such-attempt")
        await Recovery(ports).sweep()
        return cut.sites


def test_the_engine_awaits_nothing_but_ports_and_itself() -> None:
    """Any other await would be an effect that the crash tests cannot see."""
    own = ("self._", "asyncio.", "staging_core.")
    for path in map(Path, sorted(ENGINE)):
        tree = ast.parse(path.read_text())
        defined = {
            node.name for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)
        } | ENGINE_FUNCTIONS
        for call in awaited_calls(path):
            name = _dotted(call.func)
            in_transaction = bool(call.args) and _dotted(call.args[0]) == "tx"
            known = (
                _is_on_port(call)
                or name.startswith(own)
                or name.split(".")[-1] in defined
                or in_transaction
                or name.startswith("tx.")
            )
            assert known, f"{path.name}:{call.lineno} awaits {name}"


ENGINE_FUNCTIONS = {
    "active_model",
    "clear_image",
    "configured_options",
    "current",
    "delete_closed",
    "presign_download",  # contacts nobody, so it is no effect
    "_opens",
    "nudge",
    "find",
    "another_way",
    "anext",  # of the client's bytes
    "identity",
    "decode",
    "store",
    "let_go",
    "complete",
    "named",
    "creating",
    "keep_copy",
    "keep_stream",
    "presign_upload",  # contacts nobody, either
    "clear_deleted",
    "receive",
    "look",
    "cancel",
    "read_again",
    "forget",
    "_settle",
    "_give_back",
    "put_intended",
    "put_picture",
    "read_object",
    "settle_failure",
    "run",
    "Lease",
    "read_photo",  # reads the caller's file; nothing outside changes
    "sweep",
    "observe",
    "read",
}
