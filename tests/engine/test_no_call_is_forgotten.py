"""No call that the engine makes outside is one that the crash tests do not cut: its syntax tree."""

from __future__ import annotations

import ast
import asyncio
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from tests.outside.service import Service

from staging_core.database import gates, ledger, outbox
from staging_core.errors import BillingUnavailable, NotFound, StorageError, StorageFull
from staging_core.imaging.decoder import Decoder
from staging_core.lease import Lease
from staging_core.pipeline import Pipeline
from staging_core.ports import Ports
from staging_core.reception import Reception
from staging_core.recovery import Recovery
from staging_core.testing.fake_deferred import FakeDeferred
from staging_core.testing.fake_script import Script
from staging_core.testing.fake_stager import FakeStager
from staging_core.testing.telemetry import Heard
from staging_core.worker import Worker

from .closing import close, furnish
from .crashing import ENGINE, Cut
from .deferred_cases import Hangs
from .installation import Stamp, installation
from .scenarios import CASES, STAGERS, Scenario, delete_all, labels_of, rare_uploads, stage_uploads


class Full:
    """A storage without room."""

    async def put(self, key: str, data: Any, *, content_type: str) -> None:
        raise StorageFull()

    async def stat(self, key: str) -> None:
        raise StorageFull()


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
    "self._ports.",
    "ports.",
    "self.storage.",
    "storage.",
    "self._stager.",
    "stager.",
    "finds.",
    "receives.",
    "copies.",
    "tidies.",
    "service.",
)


def test_every_awaited_effect_of_the_engine_has_a_fail_point_that_the_crash_tests_reach() -> None:
    async def all_sites() -> set[tuple[str, int]]:
        async with Decoder() as decoder:
            sites = [await _sites(decoder, *case) for case in CASES]
            rare = [
                await _rare_sites(decoder),
                await _rare_sites_of_deferred(decoder),
                await _rare_sites_of_reservations(decoder),
                await _sites_beside_a_job(decoder),
            ]
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


async def _stopped(ports: Ports, asked: asyncio.Event) -> None:
    """A worker takes a job, and is stopped while the model is asked."""
    pipeline = Pipeline(ports)
    job = await pipeline.claim()
    assert job is not None
    carrying = asyncio.create_task(pipeline.carry(job))
    await asked.wait()
    carrying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await carrying


async def _sites(decoder: Decoder, name: str, scenario: Scenario) -> set[tuple[str, int]]:
    """The engine's lines from which the scenario passes a point when nothing happens."""
    async with installation(decoder, STAGERS[name][0](), labels=labels_of(name)) as (house, _):
        cut = Cut()
        await scenario(house, cut)
        return cut.sites


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
        await _stopped(ports, hanging.called)
        async with house.ports.database.write() as tx:
            await outbox.post(tx, "local", "delete_object", {"key": "../no such key"})
            await ledger.grant(tx, "local", "allowance/2020-01", 1, id="long-ago", expires_at=1.0)
        await recovery.sweep()
        await recovery.sweep(bucket=True)
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
    """A storage that is away, a create that a stopping worker leaves, polls, an odd callback."""
    provider = Hangs()
    async with installation(decoder, provider, FakeDeferred(name="other")) as (house, _):
        cut = Cut()
        ports = cut.into(house.ports)
        await house.submit()
        await house.step(replace(ports, storage=cast("Any", Full())))
        house.clock.ahead += 100
        await _stopped(ports, provider.asked)
        async with house.ports.database.write() as tx:
            for _ in range(gates.OPENS_AFTER):
                await gates.question_failed(tx, provider.card, longest_s=0.0)
        for _ in range(4):
            house.clock.ahead += 100
            await house.step(ports)
        odd = provider.callback("nobody-knows", at=house.clock())
        await Reception(ports).receive(odd, None)
        with suppress(NotFound):
            await Reception(ports).receive(odd, "no-such-attempt")
        await Recovery(ports).sweep()
        await house.submit(number=1, idempotency_key="k2")
        await house.step(ports)
        for _ in range(4):  # whoever asks how it stands dies
            house.clock.ahead += 100
            await Pipeline(ports).claim()
        provider.busy = True  # when it is asked what was cancelled has cost
        await Recovery(ports).sweep()
        house.clock.ahead += 3700  # the odd report was of nobody's
        await Recovery(ports).sweep()
        return cut.sites


async def _rare_sites_of_reservations(decoder: Decoder) -> set[tuple[str, int]]:
    """A service that keeps the credits and does not answer; see also tests/outside."""
    service = Service()
    service.then(("reserve", "away"), ("settle", "away"))
    async with installation(decoder, FakeStager(), billing=service) as (house, _):
        cut = Cut()
        ports = cut.into(house.ports)
        with suppress(BillingUnavailable):
            await house.submit(ports)
        for _ in range(2):
            await Recovery(ports).sweep()
            house.clock.ahead += 100
        return cut.sites


async def _sites_beside_a_job(decoder: Decoder) -> set[tuple[str, int]]:
    """The lease is renewed, progress told, and a worker looks whether anything is left."""
    async with installation(decoder, FakeStager()) as (house, _):
        cut = Cut()
        short = msgspec.structs.replace(house.ports.settings, lease_s=0.3)
        ports = cut.into(replace(house.ports, settings=short))
        await house.submit()
        job = await Pipeline(ports).claim()
        assert job is not None
        async with Lease(ports, job) as lease:
            lease.progress(0.5, "furnishing")
            while len({line for name, line in cut.sites if name == "lease.py"}) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await Worker(ports, Recovery(ports)).run_until_idle()
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
    "caps_of",
    "check_caps",
    "spending_on",
    "active_model",
    "clear_image",
    "configured_options",
    "current",
    "delete_closed",
    "presign_download",  # contacts nobody, so it is no effect
    "quoted",
    "reserving",
    "tell_settled",
    "deed",  # of a tally: the engine's own
    "of",
    "do",
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
    "carry",
    "run",
    "Lease",
    "read_photo",  # reads the caller's file; nothing outside changes
    "sweep",
    "when_due",  # these four: tests/payments/test_crashes.py
    "renewed",
    "follow",
    "tell",
    "observe",
    "read",
}
