"""An engine without its loops: real SQLite, files and decoder; a clock that is moved by hand."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from staging_core import OWNER, Group, Settings
from staging_core.acting import Images
from staging_core.database import schema
from staging_core.database.engine import open_database
from staging_core.download import Downloads, Posts
from staging_core.hooks import Hooks
from staging_core.imaging.decoder import Decoder
from staging_core.models import TERMINAL
from staging_core.pipeline import Pipeline
from staging_core.plugins import load_plugins
from staging_core.ports import Ports
from staging_core.recovery import Recovery
from staging_core.registry import Registry
from staging_core.standings import KeptStandings, charged_by
from staging_core.testing.fake_stager import FakeStager

from .pictures import photo


class HandClock:
    """Unix time that also goes on when told to."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass
class House:
    """An open installation, to be run step by step."""

    ports: Ports
    clock: HandClock

    async def submit(self, ports: Ports | None = None, *, number: int = 0, **wish: Any) -> Group:
        wish = {"room": "bedroom", "style": "modern", "seed": 1, "idempotency_key": "k", **wish}
        return await Images(ports or self.ports, OWNER).submit(photo(number), **wish)

    async def step(self, ports: Ports | None = None) -> bool:
        """Carry one job that is due; False when none is."""
        pipeline = Pipeline(ports or self.ports)
        job = await pipeline.claim()
        if job is None:
            return False
        await pipeline.carry(job)
        return True

    async def recover(self, ports: Ports | None = None) -> None:
        """What workers do after everything that can go wrong has: until all jobs have ended."""
        recovery = Recovery(ports or self.ports)
        for _ in range(12):
            self.clock.ahead += 100
            while await self.step(ports):
                pass
            if await self.all_ended():
                break
        await recovery.observe()
        for _ in range(2):
            self.clock.ahead += self.ports.settings.orphan_grace_s + 100
            await recovery.sweep(bucket=True)

    async def states(self) -> list[str]:
        images = await Images(self.ports, OWNER).page()
        return [image.job.state for image in images]

    async def all_ended(self) -> bool:
        return all(state in TERMINAL for state in await self.states())


@asynccontextmanager
async def open_house(
    home: Path,
    *stagers: object,
    decoder: Decoder,
    plugins: Sequence[object] = (),
    **choices: Any,
) -> AsyncIterator[House]:
    """Open the parts of an installation under ``home``; a second time: the same one."""
    settings = Settings.from_keywords(
        home=home,
        stager=stagers,
        plugins=tuple(plugins),
        lease_s=15,
        orphan_grace_s=500,
        **choices,
    )
    hooks = Hooks(load_plugins(settings.plugins), settings.hook_time_limit_s)
    registry = Registry(hooks, settings)
    clock = HandClock()
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings, clock=clock))
        if database.dialect == "sqlite":  # a server's is its owner's
            await schema.upgrade(database)
        standings = KeptStandings(database, settings.plans, settings.default_plan)
        registry.standings = standings
        opened = {
            kind: await registry.open(kind, getattr(settings, kind), stack=stack, role="worker")
            for kind in ("storage", "queue", "billing")
        }
        standings.charged_by = charged_by(opened["billing"])
        models = [
            await registry.open("stager", stager, stack=stack, role="worker") for stager in stagers
        ]
        ports = Ports(
            settings=settings,
            database=database,
            stagers={model.card.id: model for model in models},
            hooks=hooks,
            decoder=decoder,
            downloads=await stack.enter_async_context(Downloads()),
            posts=await stack.enter_async_context(Posts(hosts=settings.webhook_hosts)),
            **opened,
        )
        yield House(ports, clock)


@asynccontextmanager
async def staged_house(home: Path, **wish: Any) -> AsyncIterator[House]:
    """An installation whose one order is done."""
    async with Decoder() as decoder, open_house(home, FakeStager(), decoder=decoder) as house:
        await house.submit(**wish)
        while await house.step():
            pass
        yield house
