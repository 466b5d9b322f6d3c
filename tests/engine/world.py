"""Everything that can happen to an installation, one deed at a time, in any order.

Clients of two accounts, two workers with fences of their own, a provider and a clock; after every
deed the audit. A deed may be cut: the process dies at its n-th point, or freezes there while the
other worker goes on. See ``crashing``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

import sqlalchemy as sa

from staging_core.acting import Images, Jobs
from staging_core.audit import Accepted, Audit, Evidence, Violation
from staging_core.audit.acceptance import LATE
from staging_core.audit.attempts import UNWANTED
from staging_core.audit.reservations import UNTOLD
from staging_core.backends.fsspec_storage.memory import MemoryStorage
from staging_core.database import accounts, ledger, standing, tables
from staging_core.database.engine import Transaction
from staging_core.database.row import Row
from staging_core.errors import CreatedThenDeleted, NotFound, StagingError, UsageLimitExceeded
from staging_core.models import TERMINAL, Callback, Group, Principal
from staging_core.pipeline import Pipeline
from staging_core.ports import Ports
from staging_core.reception import Reception
from staging_core.recovery import Recovery

from .crashing import Crash, Cut
from .house import House
from .packs import Packs
from .pictures import photo
from .scripted_provider import ScriptedProvider

ACCOUNTS = ("one", "two")
KEYS = ("first", "second")
WORKERS = ("A", "B")
PHOTOS = [photo(number) for number in range(2)]
STRANGERS_NAME = "whose-is-this"
_ROUNDS = 50


class Violated(AssertionError):
    """Something is that must not be."""


class World:
    """``promises``: what clients were told. ``held``: jobs claimed by a worker that is frozen.

    ``bought``: by account and purchase, the images that were paid for.
    """

    def __init__(self, house: House, provider: ScriptedProvider) -> None:
        self.clock = house.clock
        self.provider = provider
        storage = MemoryStorage(clock=house.clock)
        model = {provider.card.id: provider}
        self.ports = replace(house.ports, storage=storage, stagers=model)
        self.promises: list[Accepted] = []
        self.held: dict[str, Row] = {}
        self.bought: dict[tuple[str, str], int] = {}
        self.packs = Packs(self.ports)
        self.audit = Audit(self.ports)

    async def begin(self, *, poor: bool = False) -> None:
        """Nothing has happened yet. ``poor``: accounts have used their allowance up."""
        async with self.ports.database.write() as tx:
            for table in reversed(tables.metadata.sorted_tables):
                await tx.execute(sa.delete(table))
            if poor:
                for account in ACCOUNTS:
                    await self._use_up(tx, account)

    async def _use_up(self, tx: Transaction, account: str) -> None:
        settings = self.ports.settings
        await accounts.ensure(tx, account)
        now = await standing.read(tx, account, settings.plans, settings.default_plan)
        name, images = standing.allowance_of(now.period), now.allowance
        await ledger.raise_to(tx, account, name, images, expires_at=tx.now)
        await ledger.expire(tx, account)

    # --- clients --------------------------------------------------------------------------------

    async def submit(self, account: str, key: str, cut: Cut) -> None:
        """Two images under an idempotency key; what is answered is a promise.

        A repeat of an order whose images are all deleted finds none.
        """
        with suppress(Crash, CreatedThenDeleted, NotFound, UsageLimitExceeded):
            group = await self._images(account, cut.into(self.ports)).submit(
                PHOTOS[KEYS.index(key)],
                room="bedroom",
                style="modern",
                seed=1,
                variants=2,
                idempotency_key=key,
            )
            self.promised(group, key)

    def promised(self, group: Group, key: str) -> None:
        """A client holds this answer."""
        jobs = tuple(image.job.id for image in group.images if not group.replayed)
        answer = Accepted(
            account_id=group.account_id, group_id=group.id, job_ids=jobs, idempotency_key=key
        )
        self.promises.append(answer)

    async def cancel(self, account: str, place: int) -> None:
        """Cancel one of the account's images, unless it has ended."""
        await self._with_image(account, place, lambda images, id: images.cancel(id))

    async def retry(self, account: str, place: int) -> None:
        """Try one again, if it failed."""
        await self._with_image(account, place, lambda images, id: images.retry(id))

    async def delete(self, account: str, place: int) -> None:
        """Delete one: from now on it is not there."""
        await self._with_image(account, place, lambda images, id: images.delete(id))

    async def _with_image(
        self, account: str, place: int, deed: Callable[[Images, str], Awaitable[object]]
    ) -> None:
        images = self._images(account)
        page = await images.page()
        if page:
            with suppress(StagingError):
                await deed(images, page[place % len(page)].id)

    async def give(self, account: str, images: int, purchase: str) -> None:
        """Credits that were bought, told once or again."""
        async with self.ports.database.write(account) as tx:
            await accounts.ensure(tx, account)
            await ledger.grant(
                tx, account, ledger.CREDITS, images, id=f"purchase-{account}-{purchase}"
            )
        self.bought.setdefault((account, purchase), images)

    async def take_back(self, account: str, images: int, purchase: str) -> None:
        """Their money was given back, and so are they, if they are still there."""
        async with self.ports.database.write(account) as tx:
            await accounts.ensure(tx, account)
            await ledger.refund(tx, account, images, id=f"refund-{purchase}")

    async def credits(self, account: str) -> int:
        """What may be had of the account's."""
        async with self.ports.database.write() as tx:
            return await ledger.left(tx, account, ledger.CREDITS)

    async def peep(self, account: str, place: int) -> None:
        """Ask for what another account has; ``Violated`` when it is told."""
        other = ACCOUNTS[1 - ACCOUNTS.index(account)]
        page = await self._images(other).page()
        if not page:
            return
        image = page[place % len(page)]
        mine, jobs = self._images(account), Jobs(self.ports, _principal(account))
        for told in (
            lambda: mine.get(image.id),
            lambda: mine.group(image.group_id),
            lambda: mine.cancel(image.id),
            lambda: mine.delete(image.id),
            lambda: mine.history(image.id),
            lambda: jobs.get(image.job.id),
            lambda: jobs.cancel(image.job.id),
        ):
            try:
                await told()
            except NotFound:
                continue
            raise Violated("I8: an account was told of another's image")

    def _images(self, account: str, ports: Ports | None = None) -> Images:
        return Images(ports or self.ports, _principal(account))

    # --- workers --------------------------------------------------------------------------------

    async def work(self, cut: Cut) -> None:
        """Claim a job and carry it as far as it goes, or until the process dies."""
        pipeline = Pipeline(cut.into(self.ports))
        with suppress(Crash):
            job = await pipeline.claim()
            if job is not None:
                await pipeline.carry(job)

    async def freeze(self, worker: str) -> None:
        """Claim a job and stop there."""
        if worker not in self.held:
            job = await Pipeline(self.ports).claim()
            if job is not None:
                self.held[worker] = job

    async def thaw(self, worker: str, cut: Cut) -> None:
        """Go on with the job that was claimed before, whoever has it now."""
        job = self.held.pop(worker, None)
        if job is not None:
            with suppress(Crash):
                await Pipeline(cut.into(self.ports)).carry(job)

    async def overtake(self) -> None:
        """While somebody is frozen, time passes and a rival does all that is due."""
        self.clock.ahead += 20
        await self._work_all()

    async def sweep(self, cut: Cut) -> None:
        """All that sweeps do."""
        with suppress(Crash):
            await Recovery(cut.into(self.ports)).sweep(bucket=True)

    async def _work_all(self) -> None:
        pipeline = Pipeline(self.ports)
        while job := await pipeline.claim():
            await pipeline.carry(job)

    # --- the provider ---------------------------------------------------------------------------

    def happen(self, what: str, place: int) -> None:
        """One of the predictions that run ends, well or not."""
        running = self.provider.running()
        if not running:
            return
        handle = running[place % len(running)]
        match what:
            case "fail":
                self.provider.fail(handle)
            case "moderate":
                self.provider.fail(handle, moderated=True)
            case "expire":
                self.provider.finish(handle)
                self.provider.expire_output(handle)
            case "puzzle":
                self.provider.say_strangely(handle)
            case _:
                self.provider.finish(handle)

    async def call_back(self, place: int, cut: Cut) -> None:
        """The provider reports on one of its predictions, perhaps again."""
        made = list(self.provider.predictions.values())
        if made:
            prediction = made[place % len(made)]
            callback = self.provider.callback(prediction.handle, at=self.clock())
            with suppress(Crash, NotFound):
                await self._receive(callback, prediction.attempt_id, cut)

    async def _receive(self, callback: Callback, attempt_id: str, cut: Cut) -> None:
        await Reception(cut.into(self.ports)).receive(callback, attempt_id)

    # --- what must hold -------------------------------------------------------------------------

    async def check(self) -> None:
        """What holds at every moment; ``Violated`` says what does not."""
        found = await self.audit.violations(Evidence(accepted=tuple(self.promises)))
        # Time jumps here: what is late is not forgotten.
        self._judge([each for each in found if each.what not in (LATE, UNTOLD, UNWANTED)])
        async with self.ports.database.read() as tx:
            of_credits = tables.balances.c.name == ledger.CREDITS
            given = await tx.rows(sa.select(tables.balances.c.granted).where(of_credits))
        bought = sum(self.bought.values()) + await self.packs.granted()
        if sum(row["granted"] for row in given) != bought:
            raise Violated("I3: a purchase was booked otherwise than once")
        if wrong := await self.packs.wrong():
            raise Violated(f"I9: {wrong}")
        asked = self.provider.posts
        if len(asked) != len(set(asked)):
            raise Violated("I4: the provider was asked twice for one attempt")

    async def settle(self) -> None:
        """The frozen are dead, nothing goes wrong any more, and everything has to come right."""
        self.held.clear()
        rounds = 0
        while rounds < _ROUNDS and (rounds < 2 or await self._is_anything_left()):
            rounds += 1
            # First what is awaited comes in time; then what is looked for, at long pauses.
            self.clock.ahead += 100 if rounds < 10 else 600
            self.provider.end_all()
            await self._work_all()
            await Recovery(self.ports).sweep(bucket=True)
        evidence = Evidence(
            accepted=tuple(self.promises), predictions=self.provider.books(), settled=True
        )
        self._judge(await self.audit.violations(evidence))

    async def _is_anything_left(self) -> bool:
        """Whether sweeps or workers still have something to do."""
        jobs, attempts, inbox = tables.jobs, tables.attempts, tables.inbox
        left = sa.union_all(
            sa.select(jobs.c.id).where(jobs.c.state.not_in(TERMINAL)),
            sa.select(attempts.c.id).where(attempts.c.look_at.is_not(None)),
            sa.select(inbox.c.event_id).where(inbox.c.read_at.is_(None)),
            sa.select(tables.outbox.c.id),
        )
        async with self.ports.database.read() as tx:
            return await tx.row(left.limit(1)) is not None

    def _judge(self, found: list[Violation]) -> None:
        if found:
            raise Violated("; ".join(map(str, found)))


def _principal(account: str) -> Principal:
    return Principal(account_id=account, user_id="somebody")
