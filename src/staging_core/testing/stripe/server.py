"""Running the double: in a thread of a test, or as a process of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from staging_core.testing.asgi_server import listening, serving, url_of
from staging_core.testing.double.running import asked, process, truth_of

from .app import StripeDouble
from .chaos import Chaos
from .settings import Settings


class RunningStripe(msgspec.Struct, frozen=True, kw_only=True):
    """Where a double listens, and what a test may ask of it from outside.

    ``url``: for ``STRIPE_BASE_URL``. ``key``: for ``STRIPE_SECRET_KEY``. ``double``: the
    application, when it runs in this process; it belongs to the thread that it runs in.
    """

    url: str
    key: str
    double: StripeDouble | None = None

    # --- the double -----------------------------------------------------------------------------

    def chaos(self, **changes: Any) -> None:
        """Change the chaos in force; ``next`` is replaced."""
        self._post("/_chaos", changes)

    def then(self, fault: str, on: str = "* /v1/*") -> None:
        """The next call whose method and path fit ``on`` has this fault: ``POST /v1/prices``."""
        self._post("/_chaos/next", {"fault": fault, "on": on})

    def advance(self, seconds: float) -> None:
        """Let time pass at the double, for all that is on no test clock."""
        self._post("/_clock", {"advance": seconds})

    def truth(self, event: str | None = None) -> list[dict[str, Any]]:
        """The log of the truth, all of it or one event's lines."""
        return truth_of(self.url, event)

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """Every object of a kind (``subscription``) as it stands, the oldest first."""
        found: list[dict[str, Any]] = json.loads(asked(self.url, "GET", f"/_objects/{kind}"))
        return found

    # --- events ---------------------------------------------------------------------------------

    def hold_events(self, *, held: bool = True) -> None:
        """Deliver events by hand only, or by themselves again."""
        self._post("/_events", {"held": held})

    def deliver(self, event: str) -> list[int | str]:
        """Send an event (its id) once, now; what the endpoints answered."""
        answers: list[int | str] = self._post(f"/_events/{event}/deliver", {})["answers"]
        return answers

    def rotate(self, endpoint: str, *, drop_old: bool = False) -> str:
        """A new secret of an endpoint; the old one signs too unless it is dropped."""
        told = self._post(f"/_webhook_endpoints/{endpoint}/rotate", {"drop_old": drop_old})
        return str(told["secret"])

    # --- customers and banks --------------------------------------------------------------------

    def pay(
        self,
        session: str,
        payment_method: str = "pm_card_visa",
        *,
        email: str | None = None,
        promotion_code: str | None = None,
    ) -> dict[str, Any]:
        """The customer pays on the page of a checkout; ``ValueError`` when their card declines."""
        told = {"payment_method": payment_method, "email": email, "promotion_code": promotion_code}
        return self._post(f"/_checkout/{session}/pay", told)

    def portal(self, session: str, deed: str, **params: str) -> dict[str, Any]:
        """What a customer does in the portal: ``cancel``, ``keep``, ``switch``, ``method``."""
        return self._post(f"/_portal/{session}/{deed}", params)

    def authenticate(self, intent: str, *, well: bool = True) -> dict[str, Any]:
        """The holder was asked, and has proven who they are, or not."""
        return self._post(f"/_intents/{intent}/authenticate", {"well": well})

    def dispute(
        self, charge: str, reason: str = "fraudulent", case: str = "chargeback"
    ) -> dict[str, Any]:
        """The holder asks their bank for the money back, or by ``case`` something else is asked."""
        return self._post(f"/_charges/{charge}/dispute", {"reason": reason, "case": case})

    def end_dispute(self, dispute: str, status: str) -> dict[str, Any]:
        """The bank decides: ``won`` or ``lost``."""
        return self._post(f"/_disputes/{dispute}/end", {"status": status})

    def appeal(self, dispute: str) -> dict[str, Any]:
        """What was lost may be decided once more."""
        return self._post(f"/_disputes/{dispute}/appeal", {})

    def _post(self, path: str, value: dict[str, Any]) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(asked(self.url, "POST", path, value))
        return told


@contextmanager
def running_stripe(
    settings: Settings | None = None, chaos: Chaos | None = None
) -> Iterator[RunningStripe]:
    """A double on a free port of loopback, in a thread of this process."""
    double = StripeDouble(settings, chaos)
    with listening(0) as listener, serving(double, [listener], "stripe-double"):
        yield RunningStripe(url=url_of(listener), key=double.settings.keys[0], double=double)


@contextmanager
def stripe_process(arguments: Sequence[str] = ()) -> Iterator[RunningStripe]:
    """A double in a process of its own. ``arguments``: as on its command line."""
    with process("staging_core.testing.stripe", arguments) as where:
        yield RunningStripe(url=where["url"], key=where["key"])
