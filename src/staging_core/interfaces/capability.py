"""Which optional capabilities an opened backend has."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeVar

from staging_core.errors import PluginError

if TYPE_CHECKING:
    from typing_extensions import TypeForm

C = TypeVar("C")


def supports(backend: object, capability: TypeForm[C]) -> C | None:
    """The backend as ``capability``, or None when it has none of the capability's methods.

    A half-implemented capability, or a plain function where an ``async def`` belongs, is a
    ``PluginError`` that names the method: silently losing a capability would be worse.
    """
    methods = _methods(capability)
    if not any(hasattr(backend, name) for name in methods):
        return None
    for name, declared in methods.items():
        _check(backend, name, declared, capability)
    return backend  # type: ignore[return-value]


def _methods(capability: Any) -> dict[str, Any]:
    return {
        name: member
        for name, member in vars(capability).items()
        if inspect.isfunction(member) and not name.startswith("_")
    }


def _check(backend: object, name: str, declared: Any, capability: Any) -> None:
    found = getattr(backend, name, None)
    where = f"{type(backend).__name__}.{name} ({capability.__name__})"
    if not callable(found):
        raise PluginError(f"{where} is missing: a capability is implemented whole or not at all.")
    if inspect.iscoroutinefunction(declared) and not inspect.iscoroutinefunction(found):
        raise PluginError(f"{where} must be an `async def`.")
    if not inspect.iscoroutinefunction(declared) and inspect.iscoroutinefunction(found):
        raise PluginError(f"{where} must not be an `async def`.")
