"""Time that passes: what was to happen happens, each at its own moment and in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from .account import Account
from .call import Call
from .refusal import Refused
from .renewal import Due
from .settings import DAY_S
from .store import Object

_STEPS = 10_000
_LONGEST = {"day": DAY_S, "week": 7 * DAY_S, "month": 31 * DAY_S, "year": 366 * DAY_S}
LIVES_S = 30 * DAY_S


class Clocks:
    """``sources``: each gives, for a test clock or none, what is to come and when."""

    def __init__(self, account: Account, delete_customer: Callable[[Object], None]) -> None:
        self._account, self._delete_customer = account, delete_customer
        self.sources: list[Callable[[str | None], Iterator[Due]]] = []
        self._caught_up = 0

    def catch_up(self) -> None:
        """Everything without a test clock, up to now; within a second nothing more is due."""
        now = int(self._account.timeline.now())
        if now > self._caught_up:
            self._run(None, now)
            self._caught_up = now

    # --- test clocks ----------------------------------------------------------------------------

    def create(self, call: Call) -> Object:
        """A clock that stands still; customers are put on it when they are made."""
        now = self._account.now()
        clock = self._account.make(
            "test_helpers.test_clock",
            "clock",
            deletes_after=now + LIVES_S,
            frozen_time=call.params["frozen_time"],
            name=call.params.get("name"),
            status="ready",
            status_details={},
        )
        self._account.tell("test_helpers.test_clock.created", clock)
        return clock

    def advance(self, call: Call) -> Object:
        """Forwards only, and by two intervals at most. All has happened when this answers."""
        clock = self._account.find("test_helpers.test_clock", call.id)
        until = call.params["frozen_time"]
        if until <= clock["frozen_time"]:
            raise Refused("A test clock can only be advanced to a later time.", param="frozen_time")
        if until > clock["frozen_time"] + 2 * self._shortest(clock):
            message = (
                "You cannot advance a test clock more than two intervals from its current frozen"
                " time, by the shortest subscription interval on it."
            )
            raise Refused(message, param="frozen_time")
        self._run(clock["id"], until)
        self._account.tell("test_helpers.test_clock.ready", clock)
        details = {"advancing": {"target_frozen_time": until}}
        return {**clock, "status": "advancing", "status_details": details}

    def delete(self, call: Call) -> Object:
        """The clock and all of its customers."""
        clock = self._account.find("test_helpers.test_clock", call.id)
        for customer in self._account.store.all("customer", test_clock=clock["id"]):
            if not customer.get("deleted"):
                self._delete_customer(customer)
        self._account.store.remove(clock)
        self._account.tell("test_helpers.test_clock.deleted", clock)
        return {"id": clock["id"], "object": "test_helpers.test_clock", "deleted": True}

    def _shortest(self, clock: Object) -> int:
        lengths = [
            _LONGEST[item["price"]["recurring"]["interval"]]
            * item["price"]["recurring"]["interval_count"]
            for one in self._account.store.all("subscription", test_clock=clock["id"])
            for item in one["items"]["data"]
        ]
        return min(lengths, default=366 * DAY_S)

    # --- what happens ---------------------------------------------------------------------------

    def _run(self, clock: str | None, until: int) -> None:
        for _ in range(_STEPS):
            to_come = chain.from_iterable(source(clock) for source in self.sources)
            at, happen = min(to_come, key=lambda due: due[0], default=(until + 1, _nothing))
            if at > until:
                self._set(clock, until)
                return
            self._set(clock, at)
            happen()
        raise RuntimeError("Time does not come to its end: something is due again and again.")

    def _set(self, clock: str | None, at: int) -> None:
        """Time never runs backwards: what was due in the past happens now."""
        if clock is None:
            self._account.moment = at if at < int(self._account.timeline.now()) else None
            return
        found = self._account.find("test_helpers.test_clock", clock)
        found["frozen_time"] = max(found["frozen_time"], at)


def _nothing() -> None:
    pass
