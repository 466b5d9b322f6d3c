"""Small things that the plugin suite does with hooks."""

from __future__ import annotations

import builtins
import socket
import subprocess
from collections.abc import Awaitable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any, NamedTuple
from unittest import mock

from staging_core.errors import Refused
from staging_core.hooks import PROVIDER_HOOKS, Hooks
from staging_core.models import Picture, Provider

from .pixels import size_of


class Refusal(NamedTuple):
    """A veto's words."""

    message: str
    remedy: str


def declared(hooks: Hooks) -> list[Provider]:
    """Every provider that the plugin declares."""
    return [provider for kind in PROVIDER_HOOKS for _, provider in hooks.providers(kind).values()]


def imported(opens: str, install: str = "") -> Any:
    """What ``module:attribute`` names; a missing package is allowed when ``install`` tells it."""
    module, _, name = opens.partition(":")
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if install and error.name and not module.startswith(error.name):
            return lambda: None
        raise


@contextmanager
def no_io() -> Iterator[None]:
    """Files, sockets and processes fail while the body runs."""
    with ExitStack() as stack:
        for owner, name in ((builtins, "open"), (socket, "socket"), (subprocess, "Popen")):
            stack.enter_context(mock.patch.object(owner, name, side_effect=_forbidden(name)))
        yield


def _forbidden(name: str) -> AssertionError:
    return AssertionError(f"a declaring hook called {name}")


async def outcome(answer: Awaitable[Any]) -> Any:
    """The answer, or what the refusal tells."""
    try:
        return await answer
    except Refused as refusal:
        return Refusal(refusal.message, refusal.remedy)


def check_picture(picture: Picture) -> None:
    """The bytes are a picture of the size that is told."""
    assert picture.content_type.startswith("image/")
    assert size_of(picture.data) == (picture.width, picture.height)
