"""Running the double: in a thread of a test, or as a process of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from staging_core.testing.asgi_server import listening, serving, url_of
from staging_core.testing.double.running import asked, process, truth_of

from .app import CreditsDouble
from .chaos import Chaos
from .settings import Settings


class RunningCredits(msgspec.Struct, frozen=True, kw_only=True):
    """Where a double listens, and what a test may ask of it from outside.

    ``url``, ``token``: for whoever calls it.
    """

    url: str
    token: str

    def give(self, account: str, credits: int) -> None:
        """Give an account credits, or with a negative number take them, down to none."""
        asked(self.url, "POST", f"/_accounts/{account}", {"credits": credits})

    def chaos(self, **changes: float) -> None:
        """Change the chaos in force."""
        asked(self.url, "POST", "/_chaos", changes)

    def then(self, fault: str, on: str = "* /v1/*") -> None:
        """The next call whose method and path fit ``on`` has this fault."""
        asked(self.url, "POST", "/_chaos/next", {"fault": fault, "on": on})

    def holds(self) -> list[dict[str, Any]]:
        """Every hold as it stands, in the order in which they were made."""
        found: list[dict[str, Any]] = json.loads(asked(self.url, "GET", "/_holds"))
        return found

    def truth(self, event: str | None = None) -> list[dict[str, Any]]:
        """The log of the truth, all of it or one event's lines."""
        return truth_of(self.url, event)


@contextmanager
def running_credits(
    settings: Settings | None = None, chaos: Chaos | None = None
) -> Iterator[RunningCredits]:
    """A double on a free port of loopback, in a thread of this process."""
    double = CreditsDouble(settings, chaos)
    with listening(0) as listener, serving(double, [listener], "credits-double"):
        yield RunningCredits(url=url_of(listener), token=double.settings.token)


@contextmanager
def credits_process(arguments: Sequence[str] = ()) -> Iterator[RunningCredits]:
    """A double in a process of its own. ``arguments``: as on its command line."""
    with process("staging_core.testing.credits", arguments) as where:
        yield RunningCredits(url=where["url"], token=where["token"])
