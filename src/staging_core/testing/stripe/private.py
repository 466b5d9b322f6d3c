"""What only a test asks: the truth, the chaos, the clock, and what customers and banks do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from staging_core.testing.double.message import Answer, Request, json_answer
from staging_core.testing.double.router import Router

from .account import shown
from .chaos import Chaos, Planned
from .parts import Parts
from .refusal import Refused


class Private:
    """Answers under ``/_``, without a key."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._account = parts, parts.account

    def route(self, router: Router) -> None:
        """Add the paths."""
        add = router.add
        add("GET", "/_truth", self.truth)
        add("GET", "/_truth/counts", self.counts)
        add("GET", "/_objects/{kind}", self.objects)
        add("GET", "/_chaos", self.chaos)
        add("POST", "/_chaos", self.set_chaos)
        add("POST", "/_chaos/next", self.then)
        add("POST", "/_clock", self.clock)
        add("POST", "/_events", self.hold)
        add("POST", "/_events/{id}/deliver", self.deliver)
        add("POST", "/_webhook_endpoints/{id}/rotate", self.rotate)
        add("POST", "/_checkout/{id}/pay", self.pay)
        add("POST", "/_portal/{id}/{deed}", self.act)
        add("POST", "/_intents/{id}/authenticate", self.authenticate)
        add("POST", "/_charges/{id}/dispute", self.dispute)
        add("POST", "/_disputes/{id}/end", self.end)
        add("POST", "/_disputes/{id}/appeal", self.appeal)

    # --- the double -----------------------------------------------------------------------------

    async def truth(self, request: Request) -> Answer:
        """``GET /_truth?since=N``: the lines from number N on."""
        since = request.query.get("since", "0")
        if not since.isdigit():
            return json_answer({"error": {"message": "since is the number of a line."}}, 400)
        headers = {"content-type": "application/x-ndjson"}
        return Answer(body=self._account.truth.text(int(since)), headers=headers)

    async def counts(self, request: Request) -> Answer:
        """``GET /_truth/counts``: how many lines of each event."""
        return json_answer(self._account.truth.counts)

    async def objects(self, request: Request, kind: str) -> Answer:
        """``GET /_objects/{kind}``: every object of a kind as it stands, the oldest first."""
        self._parts.clocks.catch_up()
        return json_answer([shown(one) for one in self._account.store.all(kind)])

    async def chaos(self, request: Request) -> Answer:
        """``GET /_chaos``: the chaos in force."""
        return json_answer(self._account.dice.chaos)

    async def set_chaos(self, request: Request) -> Answer:
        """``POST /_chaos``: what the body names is changed; the rest stays, but for ``next``."""

        def change(given: dict[str, Any]) -> Any:
            now = msgspec.to_builtins(self._account.dice.chaos) | {"next": []}
            chaos = msgspec.convert(now | given, Chaos)
            self._account.dice.set(chaos)
            self._account.truth.tell("chaos", chaos=given)
            return chaos

        return _done(request, change)

    async def then(self, request: Request) -> Answer:
        """``POST /_chaos/next`` with ``{"fault", "on"}``: of the next call that fits."""

        def plan(given: dict[str, Any]) -> Any:
            planned = msgspec.convert(given, Planned)
            self._account.dice.then(planned)
            return planned

        return _done(request, plan)

    async def clock(self, request: Request) -> Answer:
        """``POST /_clock`` with ``{"advance": S}``: so many seconds pass at once."""

        def advance(given: dict[str, Any]) -> Any:
            self._account.timeline.advance(msgspec.convert(given.get("advance"), float))
            self._parts.clocks.catch_up()
            return {"now": self._account.timeline.now()}

        return _done(request, advance)

    # --- events ---------------------------------------------------------------------------------

    async def hold(self, request: Request) -> Answer:
        """``POST /_events`` with ``{"held": true}``: events are delivered by hand from now on."""

        def change(given: dict[str, Any]) -> Any:
            self._parts.webhooks.held = msgspec.convert(given.get("held"), bool)
            return {"held": self._parts.webhooks.held}

        return _done(request, change)

    async def deliver(self, request: Request, id: str) -> Answer:
        """``POST /_events/{id}/deliver``: once, now; what each endpoint has answered."""
        try:
            return json_answer({"answers": await self._parts.webhooks.deliver(id)})
        except Refused as refused:
            return refused.answer()

    async def rotate(self, request: Request, id: str) -> Answer:
        """``POST /_webhook_endpoints/{id}/rotate`` with ``{"drop_old"}``: the new ``secret``."""

        def rotate(given: dict[str, Any]) -> Any:
            drop = bool(given.get("drop_old", False))
            return {"secret": self._parts.webhooks.rotate(id, drop_old=drop)}

        return _done(request, rotate)

    # --- customers and banks --------------------------------------------------------------------

    async def pay(self, request: Request, id: str) -> Answer:
        """``POST /_checkout/{id}/pay`` with ``{"payment_method", "email", "promotion_code"}``."""

        def pay(given: dict[str, Any]) -> Any:
            session = self._account.find("checkout.session", id)
            if code := given.get("promotion_code"):
                self._parts.checkout.enter_code(session, code)
            method = given.get("payment_method", "pm_card_visa")
            return shown(self._parts.checkout.pay(session, method, given.get("email")))

        return _done(request, pay)

    async def act(self, request: Request, id: str, deed: str) -> Answer:
        """``POST /_portal/{id}/{deed}``: see ``Portal.act``."""

        def act(given: dict[str, Any]) -> Any:
            session = self._account.find("billing_portal.session", id)
            return shown(self._parts.portal.act(session, deed, given))

        return _done(request, act)

    async def authenticate(self, request: Request, id: str) -> Answer:
        """``POST /_intents/{id}/authenticate`` with ``{"well": true}``: the holder was asked."""

        def ask(given: dict[str, Any]) -> Any:
            kind = "setup_intent" if id.startswith("seti_") else "payment_intent"
            intent = self._account.find(kind, id)
            self._parts.intents.authenticate(intent, well=bool(given.get("well", True)))
            return shown(intent)

        return _done(request, ask)

    async def dispute(self, request: Request, id: str) -> Answer:
        """``POST /_charges/{id}/dispute`` with ``{"reason", "case"}``."""

        def dispute(given: dict[str, Any]) -> Any:
            charge, reason = self._account.find("charge", id), given.get("reason", "fraudulent")
            case = given.get("case", "chargeback")
            return shown(self._parts.disputes.opened(charge, reason, case))

        return _done(request, dispute)

    async def end(self, request: Request, id: str) -> Answer:
        """``POST /_disputes/{id}/end`` with ``{"status"}``: ``won`` or ``lost``."""

        def end(given: dict[str, Any]) -> Any:
            dispute = self._account.find("dispute", id)
            status = "won" if given.get("status") == "won" else "lost"
            return shown(self._parts.disputes.ended(dispute, status))

        return _done(request, end)

    async def appeal(self, request: Request, id: str) -> Answer:
        """``POST /_disputes/{id}/appeal``: what was lost may be decided once more."""
        return _done(
            request,
            lambda _: shown(self._parts.disputes.appealed(self._account.find("dispute", id))),
        )


def _done(request: Request, deed: Callable[[dict[str, Any]], Any]) -> Answer:
    try:
        return json_answer(deed(request.object()))
    except Refused as refused:
        return refused.answer()
    except (ValueError, msgspec.ValidationError) as error:
        return json_answer({"error": {"message": str(error)}}, 422)
