"""What a process may be at when it dies: scenarios, and the models that take part in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

from staging_core import OWNER
from staging_core.acting import Images, Uploads
from staging_core.database import images, outbox, runtime
from staging_core.errors import RoomNotUnderstood, SourceUnavailable
from staging_core.models import Attempt, ModelCard, Staged, StageRequest
from staging_core.photo import once
from staging_core.recovery import Recovery
from staging_core.testing.fake_script import Script
from staging_core.testing.fake_stager import FakeStager

from .crashing import Cut
from .deferred_cases import Moody, Punctual, a_bad_day, a_good_day, a_lost_answer
from .house import House
from .installation import Stamp
from .pictures import photo, sent

Scenario = Callable[[House, Cut], Awaitable[None]]


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


async def submit_and_carry(house: House, cut: Cut) -> None:
    """The whole way of a job, by a process that may die on it."""
    ports = cut.into(house.ports)
    await house.submit(ports, variants=1)
    await house.step(ports)
    await Recovery(ports).observe()


async def a_raised_cap(house: House, cut: Cut) -> None:
    """The job costs more than a day may; then the cap is raised, whatever else went wrong."""
    ports = cut.into(house.ports)
    await house.submit()
    try:
        await house.step(ports)
    finally:
        async with house.ports.database.write() as tx:
            await runtime.choose(tx, "daily_spend_usd", 10_000.0, by="operator")
        house.ports.recent.forget()
    house.clock.ahead += 1_000
    await house.step(ports)


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


STAGERS: dict[str, tuple[Callable[[], object], str]] = {
    "plain": (FakeStager, "ready"),
    "ready": (TwoOutputs, "ready"),
    "busy": (lambda: FakeStager(Script.parse("busy,ok")), "ready"),
    "retry": (lambda: FakeStager(Script.parse("retryable,ok")), "ready"),
    "refused": (lambda: FakeStager(Script.parse("refused,refused,refused,refused")), "error"),
    "not understood": (Refuser, "error"),
    "punctual": (Punctual, "ready"),
    "moody": (Moody, "ready"),
    "dear": (lambda: FakeStager(cost_usd=2_000), "ready"),
}


CASES: list[tuple[str, Scenario]] = [
    *[(name, submit_and_carry) for name in STAGERS if name not in ("punctual", "moody", "dear")],
    ("ready", sweep_after_trouble),
    ("punctual", a_good_day),
    ("punctual", a_lost_answer),
    ("moody", a_bad_day),
    ("dear", a_raised_cap),
]


def labels_of(name: str) -> Stamp | None:
    """Without a plugin that labels, a job is ready in the transaction that keeps its result."""
    return None if name in ("plain", "punctual") else Stamp()
