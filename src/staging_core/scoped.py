"""Methods that a principal's scopes may not allow."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from .models import Principal, check_scope


class Acts(Protocol):
    """A noun on which a principal acts."""

    _principal: Principal


A = TypeVar("A", bound=Acts)
P = ParamSpec("P")
R = TypeVar("R")
Method = Callable[Concatenate[A, P], R]


def needs(scope: str) -> Callable[[Method[A, P, R]], Method[A, P, R]]:
    """The method raises ``Forbidden`` for a principal whose scopes do not allow ``scope``."""

    def wrap(method: Method[A, P, R]) -> Method[A, P, R]:
        @wraps(method)
        def checked(self: A, /, *args: P.args, **kwargs: P.kwargs) -> R:
            check_scope(self._principal, scope)
            return method(self, *args, **kwargs)

        marked: Any = checked
        marked.scope = scope
        return checked

    return wrap
