"""The list of events: what a merchant asks who has missed some."""

from __future__ import annotations

from typing import Any

from .account import Account
from .call import Call
from .refusal import Refused
from .settings import DAY_S
from .store import Object, page, within

KEPT_S = 30 * DAY_S


class Events:
    """Events of the last thirty days, the newest first."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def pages(self, call: Call) -> Object:
        """``delivery_success=false``: those that some endpoint has not taken, or not yet."""
        asked = call.params
        if "type" in asked and "types" in asked:
            raise Refused(
                "You may only specify one of these parameters: type, types.", param="types"
            )
        if len(asked.get("types", [])) > 20:
            raise Refused("You may pass up to 20 types.", param="types")
        found = [event for event in self._account.store.all("event") if self._wanted(event, asked)]
        return page(found[::-1], asked, call.path, "event", lambda one: one)

    def _wanted(self, event: Object, asked: dict[str, Any]) -> bool:
        success = asked.get("delivery_success")
        kinds = asked.get("types") or ([asked["type"]] if "type" in asked else [])
        return (
            event["_came"] > self._account.timeline.now() - KEPT_S
            and (success is None or success == (not event["_pending"]))
            and (not kinds or any(_is(event["type"], kind) for kind in kinds))
            and within(event["created"], asked.get("created", {}))
        )


def _is(kind: str, wanted: str) -> bool:
    """Whether an event is of this kind; ``*`` at the end stands for any ending."""
    return kind.startswith(wanted[:-1]) if wanted.endswith("*") else kind == wanted
