"""Routes are values: what is asked for, what is answered, and who may call.

Everything is made from them: the application, the OpenAPI document, and the tests' matrix of who
may reach what. A route is declared by decorating the function that answers it:

    images = Routes("images")

    @images.get("/images/{image_id}", member("images:read"))
    async def get_image(call: Call) -> Image:
        ...

A part ``{model_id:slashed}`` of a path may itself have slashes, written ``%2F``; ``Call.whole``
reads it. Parameters named ``query`` and ``body`` say by their types (msgspec structs) what is read
from the request; the return type says what is answered. The function's name is the operation's id.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from staging_core.errors import StagingError

from .access import Access
from .answer import Answer, Bytes, Stream
from .event_stream import EventStream

API = "/api/v1"
Streams = Literal["pictures", "objects", "archives", "exports"]
Handler = Callable[..., Awaitable[Any]]
Kind = type[StagingError]
H = TypeVar("H", bound=Handler)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation.

    ``group``: what a host includes or leaves out. ``creates``: makes or spends something, so it is
    counted, shed under load and repeatable under an ``Idempotency-Key``. ``raw``: the body's media
    type where the function reads it itself. ``items``: what the body is read as where its function
    reads the items in it one by one, each refused by itself. ``most_bytes``: of a body. ``also``:
    further statuses with the type of their body. ``errors``: those it may answer beside the ones
    of every route. ``live``: its answer goes on until somebody ends it. ``by_ticket``: a one-time
    ticket in the query will do. ``request_headers``: that it reads, with what they mean.
    ``headers``: that its answer has. ``whole_photo``: its body may be as long as the largest photo.
    ``slow``: what it creates may be long in coming. ``streams``: its answer is read from the
    storage while it is sent, in turns of that kind. ``counted``: by the address that asks; not
    for probes, which must not fail.
    """

    method: str
    path: str
    access: Access
    group: str
    handler: Handler
    status: int = 200
    query: type[Any] | None = None
    body: type[Any] | None = None
    body_optional: bool = False
    items: type[Any] | None = None
    raw: tuple[str, ...] = ()
    result: Any = None
    also: Mapping[int, Any] = field(default_factory=dict)
    errors: tuple[Kind, ...] = ()
    creates: bool = False
    most_bytes: int = 1 << 20
    headers: Mapping[str, str] = field(default_factory=dict)
    whole_photo: bool = False
    slow: bool = False
    streams: Streams | None = None
    live: bool = False
    by_ticket: bool = False
    request_headers: Mapping[str, str] = field(default_factory=dict)
    in_document: bool = True
    counted: bool = True

    @property
    def room(self) -> Literal["creates", "transfers"] | None:
        """Where it takes its turn, if it creates something."""
        if not self.creates:
            return None
        return "transfers" if self.slow else "creates"

    @property
    def operation_id(self) -> str:
        """Stable: clients are generated from it."""
        return self.handler.__name__

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return inspect.cleandoc(self.handler.__doc__ or "").splitlines()[0]

    @property
    def description(self) -> str:
        """What the docstring says after its first line."""
        return inspect.cleandoc(self.handler.__doc__ or "").partition("\n")[2].strip()

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names in the path."""
        return tuple(re.findall(r"{(\w+)}", self.template))

    @property
    def template(self) -> str:
        """The path as OpenAPI writes it."""
        return re.sub(r"{(\w+):(path|slashed)}", r"{\1}", self.path)

    @property
    def slashed(self) -> re.Pattern[str] | None:
        """Fits its paths where a part of them may have slashes; None where none may."""
        if ":slashed}" not in self.path:
            return None
        pieces = re.split(r"({\w+(?::\w+)?})", self.path)
        forms = [_form(piece) for piece in pieces]
        return re.compile("".join(forms) + "/?")  # some hosts add a slash


def _form(piece: str) -> str:
    """A regular expression of a piece of a path: a parameter, or the text between two."""
    if not piece.startswith("{"):
        return re.escape(piece)
    return f"(?P<{piece[1:].partition(':')[0]}>.+)" if piece.endswith(":slashed}") else "[^/]+"


class Routes:
    """The routes of one group, in the order of their declaration."""

    def __init__(self, group: str, *, prefix: str = API) -> None:
        self.group = group
        self.prefix = prefix
        self.all: list[Route] = []

    def get(self, path: str, access: Access, **more: Any) -> Callable[[H], H]:
        """Declare a GET."""
        return self._declare("GET", path, access, more)

    def post(self, path: str, access: Access, **more: Any) -> Callable[[H], H]:
        """Declare a POST."""
        return self._declare("POST", path, access, more)

    def put(self, path: str, access: Access, **more: Any) -> Callable[[H], H]:
        """Declare a PUT."""
        return self._declare("PUT", path, access, more)

    def patch(self, path: str, access: Access, **more: Any) -> Callable[[H], H]:
        """Declare a PATCH."""
        return self._declare("PATCH", path, access, more)

    def delete(self, path: str, access: Access, **more: Any) -> Callable[[H], H]:
        """Declare a DELETE; its answer is 204 unless it says otherwise."""
        return self._declare("DELETE", path, access, {"status": 204, **more})

    def _declare(
        self, method: str, path: str, access: Access, more: dict[str, Any]
    ) -> Callable[[H], H]:
        def declare(handler: H) -> H:
            self.all.append(
                Route(
                    method=method,
                    path=self.prefix + path,
                    access=access,
                    group=self.group,
                    handler=handler,
                    **{**_declared(handler), **more},
                )
            )
            return handler

        return declare


def _declared(handler: Handler) -> dict[str, Any]:
    """What a function's signature says of its request and its answer."""
    hints = get_type_hints(handler, include_extras=True)
    parameters = inspect.signature(handler).parameters
    found: dict[str, Any] = {"query": hints.get("query"), "result": _result(hints.get("return"))}
    if "body" in hints:
        optional = parameters["body"].default is not inspect.Parameter.empty
        found |= {"body": _without_none(hints["body"]), "body_optional": optional}
    return found


def _result(hint: Any) -> Any:
    """The type within ``Answer[...]``, or the type itself; None for what has no body."""
    if get_origin(hint) is Answer:
        return get_args(hint)[0]
    return None if hint in (type(None), Bytes, Stream, EventStream) else hint


def _without_none(hint: Any) -> Any:
    kinds = [kind for kind in get_args(hint) if kind is not type(None)]
    return kinds[0] if len(kinds) == 1 and type(None) in get_args(hint) else hint
