"""Commands that an operator gives: across accounts, and under their name."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .running import run

if TYPE_CHECKING:
    from staging_core.operating import Operating

T = TypeVar("T")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def run_as_operator(act: Callable[[Operating], Awaitable[T]], *, by: str | None = None) -> T:
    """What ``act`` gives on the installation of the settings; ``by``: else the system's user."""

    async def opened() -> T:
        from staging_core import Staging

        async with Staging.from_env(worker=False, role="tool") as staging:
            return await act(staging.operating(by or user()))

    return run(opened)


def user() -> str:
    """Who is at the keyboard, as the system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"uid {os.getuid()}"


class Duration(click.ParamType[float]):
    """A length of time such as ``90s``, ``30m``, ``1h`` or ``2d``; in seconds."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """As click asks for it."""
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d{1,6})([smhd])", str(value))
        if found is None:
            self.fail(f"{value!r} is not a length of time; write 90s, 30m, 1h or 2d.", param, ctx)
        return float(found[1]) * _SECONDS[found[2]]
