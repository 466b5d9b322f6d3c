"""Sends what is due, endpoint by endpoint, so that a bad one delays nobody.

An endpoint is a lane: one worker at a time takes it, by lease, sends it a few messages side by
side, and gives it back. Lanes take turns; those of failing endpoints get half of the places at
most, and those of one account a share. A try is written down after it was made: a process that dies
in between leaves the delivery due, and it is sent again under the same id.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from staging_core.database import accounts, deliveries, endpoints
from staging_core.database.engine import Transaction
from staging_core.database.row import Row
from staging_core.download import Posted
from staging_core.errors import StagingError
from staging_core.models import TEST_EVENT, WebhookAttempt
from staging_core.ports import Ports

from .keys import EndpointKeys
from .schedule import pause_s
from .signature import signed_headers

log = logging.getLogger("staging_core")

AT_ONCE = 10
"""Messages that one endpoint is sent side by side."""

LANES = 64
"""Endpoints that one worker sends to at a time."""

SHARE = 8
"""Of these, endpoints of one account: slow ones of one leave lanes for the others."""

_HELD_S = 0.5  # due, but its lane is somebody's
_MARGIN_S = 15.0
_GONE = 410


@dataclass(frozen=True, slots=True)
class _Lane:
    """An endpoint that is ours for now, and what it is to be sent. ``now``: the database's time."""

    endpoint: Row
    due: list[Row]
    now: float


class Sender:
    """The webhooks of one worker."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._keys = EndpointKeys(ports.settings)
        self._look = asyncio.Event()
        self._lanes: dict[asyncio.Task[None], _Lane] = {}

    async def run(self) -> None:
        """Send whatever becomes due until cancelled; what is out there then, ``end`` waits for."""
        with self._ports.database.on_delivery(self._look.set):
            while True:
                self._look.clear()
                pause_s = await self._step()
                if pause_s > 0:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(pause_s):
                            await self._look.wait()

    async def end(self) -> None:
        """Wait for the answers to what was sent, as long as steps may take to finish."""
        if self._lanes:
            await asyncio.wait(list(self._lanes), timeout=self._ports.settings.shutdown_s)
        left = list(self._lanes)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def send_due(self, *, within_s: float = math.inf) -> int:
        """Send what is due now, endpoints side by side; how many deliveries were tried.

        ``within_s``: after so many seconds nothing more is begun.
        """
        until, tried = time.monotonic() + within_s, 0
        sending: dict[asyncio.Task[None], _Lane] = {}
        try:
            while True:
                free = len(sending) < LANES and time.monotonic() < until
                lane = await self._claim(sending.values(), only_sound=False) if free else None
                if lane is not None:
                    tried += len(lane.due)
                    sending[asyncio.create_task(self._serve(lane))] = lane
                    continue
                if not sending:
                    return tried
                done, _ = await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    del sending[task]
                    task.result()
        finally:
            for task in sending:
                task.cancel()
            await asyncio.gather(*sending, return_exceptions=True)

    async def _step(self) -> float:
        """Take a lane, if there is a place and something due; seconds until the next look."""
        longest_s = self._ports.settings.sweep_s
        if len(self._lanes) >= LANES:
            return longest_s
        try:
            return await self._start_one(longest_s)
        except Exception:
            # A database that is away: the sweep interval passes, then we ask again.
            log.warning("no webhook could be looked for", exc_info=True)
            return longest_s

    async def _start_one(self, longest_s: float) -> float:
        async with self._ports.database.read() as tx:  # most of the time nothing is due
            at = await deliveries.next_due(tx)
            wait_s = longest_s if at is None else at - tx.now
        if wait_s > 0:
            return min(wait_s, longest_s)
        lanes = self._lanes.values()
        failing = sum(lane.endpoint["failing_since"] is not None for lane in lanes)
        lane = await self._claim(lanes, only_sound=failing >= LANES // 2)
        if lane is None:
            return min(_HELD_S, longest_s)
        task = asyncio.create_task(self._serve(lane))
        self._lanes[task] = lane
        task.add_done_callback(self._ended)
        return 0.0

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._lanes[task]
        self._look.set()
        if not task.cancelled() and task.exception() is not None:
            # Its lease runs out and somebody, maybe we, takes it over.
            log.warning("a webhook endpoint was dropped", exc_info=task.exception())

    async def _claim(self, lanes: Collection[_Lane] = (), *, only_sound: bool) -> _Lane | None:
        """A lane beside these, of an account that has not its share of them; None: no such."""
        held = Counter(str(lane.endpoint["account_id"]) for lane in lanes)
        passing = [account_id for account_id, count in held.items() if count >= SHARE]
        lease_s = self._ports.posts.time_limit_s + _MARGIN_S
        async with self._ports.database.write() as tx:
            endpoint = await endpoints.claim(
                tx, lease_s=lease_s, only_sound=only_sound, passing=passing
            )
            if endpoint is None:
                return None
            most = AT_ONCE if endpoint["failing_since"] is None else 1
            due = await deliveries.due(tx, endpoint["id"], limit=most)
            return _Lane(endpoint, due, tx.now)

    async def _serve(self, lane: _Lane) -> None:
        """Send what is due, and give the lane back.

        One whose tries could not be written down is kept until its lease is over: given back, they
        would be made again at once, and again.
        """
        unwritten: list[BaseException] = []
        try:
            sending = (self._deliver(lane, each) for each in lane.due)
            ended = await asyncio.gather(*sending, return_exceptions=True)
            unwritten = [error for error in ended if error is not None]
        finally:
            if not unwritten:
                async with self._ports.database.write() as tx:
                    await endpoints.give_back(tx, lane.endpoint)
        if unwritten:
            raise unwritten[0]

    async def _deliver(self, lane: _Lane, delivery: Row) -> None:
        posted = await self._tried(lane, delivery)
        outcome = await self._record(lane, delivery, posted)
        telemetry = self._ports.telemetry
        telemetry.count("staging.webhooks.attempts", outcome=outcome)
        telemetry.measure("staging.webhooks.duration", posted.latency_ms / 1000, outcome=outcome)

    async def _tried(self, lane: _Lane, delivery: Row) -> Posted:
        """How the try went; whatever goes wrong in it is a try that failed, with a pause after."""
        endpoint_id = lane.endpoint["id"]
        try:
            headers, body = self._signed(lane, delivery), delivery["payload"].encode()
            return await self._ports.posts.post(lane.endpoint["url"], body, headers)
        except StagingError as error:  # secrets that no key opens, a package that is not there
            log.error("webhook endpoint %s: %s", endpoint_id, error.message)
            return Posted(latency_ms=0, error=error.message)
        except Exception as error:
            log.exception("webhook endpoint %s", endpoint_id)
            return Posted(latency_ms=0, error=f"It could not be sent ({type(error).__name__}).")

    def _signed(self, lane: _Lane, delivery: Row) -> dict[str, str]:
        keys = self._keys.signing(lane.endpoint, lane.now)
        return signed_headers(delivery["id"], lane.now, delivery["payload"].encode(), keys)

    async def _record(self, lane: _Lane, delivery: Row, posted: Posted) -> str:
        """Write down how it went, and what follows; in a word."""
        attempt = WebhookAttempt(
            number=delivery["tries"] + 1,
            at=lane.now,
            latency_ms=posted.latency_ms,
            status=posted.status,
            error=posted.error,
            excerpt=posted.excerpt,
        )
        pause = None if posted.taken else self._next(delivery, posted)
        async with self._ports.database.write(delivery["account_id"]) as tx:
            if posted.taken or pause is not None:
                await accounts.keep(tx, delivery["account_id"])
            else:  # it may come to disabling
                await accounts.ensure(tx, delivery["account_id"])
            if posted.taken:
                if not await deliveries.taken(tx, delivery, attempt):
                    return "overtaken"
                await endpoints.came_through(tx, delivery["endpoint_id"])
                return "delivered"
            since = _failed_since(delivery, lane)
            if not await deliveries.failed(tx, delivery, attempt, since=since, pause_s=pause):
                return "overtaken"
            return await self._failed(tx, lane, delivery, posted, pause)

    def _next(self, delivery: Row, posted: Posted) -> float | None:
        """Seconds until the next try; None when there is none. A test is only tried once."""
        if posted.status == _GONE or delivery["type"] == TEST_EVENT:
            return None
        return pause_s(delivery["failures"] + 1, retry_after_s=posted.retry_after_s)

    async def _failed(
        self,
        tx: Transaction,
        lane: _Lane,
        delivery: Row,
        posted: Posted,
        pause: float | None,
    ) -> str:
        """An endpoint that is gone, or took nothing while a whole schedule passed, is disabled."""
        endpoint_id = delivery["endpoint_id"]
        if posted.status == _GONE:
            await endpoints.disable(tx, delivery["account_id"], endpoint_id, "gone")
            return "disabled"
        if delivery["type"] == TEST_EVENT:
            return "failed"
        since = await endpoints.failed(tx, endpoint_id, lane.now)
        if pause is not None:
            return "retried"
        if since <= _failed_since(delivery, lane):
            await endpoints.disable(tx, delivery["account_id"], endpoint_id, "failing")
            return "disabled"
        return "failed"


def _failed_since(delivery: Row, lane: _Lane) -> float:
    """When the first try of its schedule failed, if this one does."""
    since = delivery["failed_since"]
    return lane.now if since is None else float(since)
