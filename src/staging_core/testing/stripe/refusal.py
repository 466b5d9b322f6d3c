"""What Stripe refuses, in the form in which it says so."""

from __future__ import annotations

from typing import Any

from staging_core.testing.double.message import Answer, json_answer

DOCS = "https://stripe.com/docs/error-codes/"
NOT_SPOKEN = 501


class Refused(Exception):
    """A call is refused. ``ran``: it had begun, so that its idempotency key keeps this answer.

    ``status``, ``kind``, ``code``, ``param``: as in Stripe's error objects. ``more``: what else
    stands in it, such as ``decline_code`` or the ``payment_intent``.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        status: int = 400,
        kind: str = "invalid_request_error",
        ran: bool = True,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.message, self.code, self.param = message, code, param
        self.status, self.kind, self.ran, self.more = status, kind, ran, more

    def error(self) -> dict[str, Any]:
        """The error object."""
        named = {"code": self.code, "param": self.param}
        docs = {"doc_url": DOCS + self.code.replace("_", "-")} if self.code else {}
        given = {name: value for name, value in (named | docs | self.more).items() if value}
        return {"message": self.message, "type": self.kind, **given}

    def answer(self) -> Answer:
        """The error as it goes over the line."""
        answer = json_answer({"error": self.error()}, self.status, code=self.code)
        if self.status == NOT_SPOKEN:
            answer.headers = {**answer.headers, "stripe-should-retry": "false"}
        return answer


def missing(kind: str, id: str, param: str | None = "id", status: int = 404) -> Refused:
    """There is no such object. ``status``: 404 for the call's own, 400 for one that it names."""
    message = f"No such {kind}: '{id}'"
    return Refused(message, code="resource_missing", param=param, status=status)


def required(param: str) -> Refused:
    """A parameter that has to be there is not."""
    message = f"Missing required param: {param}."
    return Refused(message, code="parameter_missing", param=param, ran=False)


def unspoken(what: str) -> Refused:
    """The real Stripe knows it, the double does not: nobody shall take silence for success."""
    message = f"The double of Stripe does not speak {what}; the real one does."
    return Refused(
        message, code="not_in_the_double", status=NOT_SPOKEN, kind="api_error", ran=False
    )


def declined(code: str, decline_code: str | None, message: str, **more: Any) -> Refused:
    """A card was declined."""
    return Refused(
        message, code=code, status=402, kind="card_error", decline_code=decline_code, **more
    )
