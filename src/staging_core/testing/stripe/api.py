"""Finds the operation of a call, fits its parameters, and shows what comes of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from staging_core.testing.double.message import Request

from .account import Account
from .call import Call, Handler, Operation
from .clocks import Clocks
from .expansion import Expansion
from .form import decoded
from .refusal import Refused
from .shape import Shape, fields_of
from .store import Object

CURSORS = "ending_before limit starting_after"


class Api:
    """Operations in the order in which they were added; ``{name}`` is one part of a path."""

    def __init__(self, account: Account, clocks: Clocks) -> None:
        self._account, self._clocks = account, clocks
        self._expansion = Expansion(account)
        self._known: list[tuple[str, str, re.Pattern[str], Operation]] = []

    def add(self, way: str, handler: Handler, published: type, honours: str = "") -> None:
        """``way``: method and path behind ``/v1``. ``honours``: see ``Shape``."""
        method, _, path = way.partition(" ")
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", f"/v1{path}")
        operation = Operation(handler=handler, shape=Shape(published, honours))
        self._known.append((method, f"/v1{path}", re.compile(pattern), operation))

    def pages(self, way: str, handler: Handler, published: type, honours: str = "") -> None:
        """An operation that answers with a page."""
        created = "created" if "created" in fields_of(published) else ""
        self.add(f"GET {way}", handler, published, f"{CURSORS} {created} {honours}")

    def operations(self) -> Iterator[tuple[str, str, Shape]]:
        """Method, path and parameters of each."""
        for method, path, _, operation in self._known:
            yield method, path, operation.shape

    def run(self, request: Request) -> Object:
        """What the call answers; ``Refused`` otherwise."""
        operation, parts = self._find(request)
        self._account.base_url = request.base_url
        self._clocks.catch_up()
        params = operation.shape.fitted(decoded(_form(request)))
        expand: list[Any] = params.pop("expand", None) or []
        call = Call(params=params, parts=parts, path=request.path)
        return self._expansion.shown(operation.handler(call), expand)

    def _find(self, request: Request) -> tuple[Operation, dict[str, str]]:
        for method, _, pattern, operation in self._known:
            if method == request.method and (match := pattern.fullmatch(request.path)):
                return operation, match.groupdict()
        message = (
            f"Unrecognized request URL ({request.method}: {request.path}). The double speaks a part"
            " of the API only."
        )
        raise Refused(message, status=404, ran=False)


def _form(request: Request) -> str:
    """The parameters as a form: in the body of a POST, in the query of everything else."""
    if request.method != "POST":
        return request.query_string
    if request.body and "json" in request.headers.get("content-type", ""):
        message = (
            "Invalid request (check that your POST content type is"
            " application/x-www-form-urlencoded)."
        )
        raise Refused(message, ran=False)
    return request.body.decode("utf-8", "replace")
