"""One call of a route: what was asked, and who acts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, get_args
from urllib.parse import unquote

from staging_core import Acting, Principal, Staging
from staging_core.errors import InvalidIdempotencyKey, NotFound
from staging_core.models import Place

from .address import base_of
from .identity import headers_of
from .problem import AnyRequest
from .refusal import invalid
from .visit import visit_of

if TYPE_CHECKING:
    from staging_core.operating import Operating

    from .service import Service

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
P = TypeVar("P")
_IDEMPOTENCY = re.compile(r"[\x21-\x7e]{1,255}")
_KEY = "idempotency-key"


class Page(Protocol):
    """Which part of a list is asked for."""

    @property
    def cursor(self) -> str | None:
        """What the page before told."""
        ...

    @property
    def before(self) -> str | None:
        """The place of the last row seen."""
        ...


class Call:
    """What a route's function is given."""

    __slots__ = ("_principal", "request", "service")

    def __init__(self, service: Service, request: AnyRequest, principal: Principal | None) -> None:
        self.service = service
        self.request = request
        self._principal = principal

    @property
    def staging(self) -> Staging:
        """The open installation."""
        return self.service.staging

    @property
    def principal(self) -> Principal:
        """Who acts; only for routes where somebody has to sign in."""
        assert self._principal is not None, "the route says that anyone may call it"
        return self._principal

    @property
    def me(self) -> Acting:
        """Everything that who acts may do."""
        return self.staging.acting_as(self.principal, request_id=self.request_id)

    @property
    def operating(self) -> Operating:
        """Everything that who acts may do as an operator; ``Forbidden`` unless they are one."""
        return self.staging.operating_as(self.principal, request_id=self.request_id)

    @property
    def request_id(self) -> str:
        """How the request is named in the log."""
        return visit_of(self.request.scope).request_id

    @property
    def base(self) -> str:
        """The address under which the caller reaches this application."""
        return base_of(self.staging.settings, self.request.scope)

    def place(self, list_name: str, cursor: str | None, shape: type[P]) -> P | None:
        """Where the page begins that ``cursor`` names; None for the first one."""
        if cursor is None:
            return None
        return self.service.cursors.read(self._scope(list_name), cursor, shape)

    def before(self, list_name: str, page: Page) -> Place | None:
        """Where the page begins, whichever way it is named; None for the first one."""
        if page.before is None:
            return self.place(list_name, page.cursor, Place)
        if page.cursor is not None:
            raise invalid("before", "Send `cursor` or `before`, not both.")
        at, _, row_id = page.before.partition(",")
        return Place(float(at), row_id)

    def next(self, list_name: str, place: Any) -> str | None:
        """The cursor of the page after ``place``; None where there is none."""
        return None if place is None else self.service.cursors.write(self._scope(list_name), place)

    def _scope(self, list_name: str) -> str:
        return f"{self.principal.account_id} {list_name}"

    def id(self, name: str) -> str:
        """The id in the path; ``NotFound`` for what cannot be one."""
        value: str = self.request.path_params[name]
        if not is_id(value):
            raise NotFound(f"There is no {name.removesuffix('_id')} of that id.")
        return value

    def key(self, name: str) -> str:
        """The rest of the path, slashes included."""
        value: str = self.request.path_params[name]
        return value.strip("/")

    def whole(self, name: str) -> str:
        """The part of the path, slashes included."""
        value: str = self.request.path_params[name]
        return unquote(value)

    def one_of(self, name: str, kinds: Any) -> Any:
        """The word in the path; ``NotFound`` for one that is not among the ``Literal``'s."""
        value = self.request.path_params[name]
        if value not in get_args(kinds):
            raise NotFound(f"There is no {name} {value[:40]!r}.")
        return value

    @property
    def headers(self) -> dict[str, str]:
        """The request's headers by lower-case name."""
        return headers_of(self.request.scope)

    @property
    def idempotency_key(self) -> str | None:
        """The header ``Idempotency-Key``; the library says whether it is one."""
        values = self.request.headers.getall(_KEY, [])
        if len(values) > 1:
            raise invalid("Idempotency-Key", "Send it once.")
        return values[0] if values else None

    def check_idempotency_key(self) -> None:
        """``InvalidIdempotencyKey`` for one that no key can be."""
        key = self.idempotency_key
        if key is not None and not _IDEMPOTENCY.fullmatch(key):
            raise InvalidIdempotencyKey()


def is_id(value: str) -> bool:
    """Whether anything here could have that id."""
    return _ID.fullmatch(value) is not None
