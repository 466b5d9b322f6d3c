"""The ids that every line of the log has which is written within a span: of request, job and so on.

They are the facts of spans that are ours, ``staging.request`` as ``request``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from structlog.contextvars import (
    bind_contextvars,
    get_contextvars,
    reset_contextvars,
    unbind_contextvars,
)

from staging_core.interfaces.telemetry import Fact

_OURS = "staging."


def names_in(facts: Mapping[str, Fact]) -> dict[str, str]:
    """Those that the facts hold."""
    return {name.removeprefix(_OURS): str(to) for name, to in facts.items() if _OURS in name}


@contextmanager
def names_bound(facts: Mapping[str, Fact]) -> Iterator[None]:
    """Bind them for the block; those that are learnt within it are gone with it too."""
    before = get_contextvars()
    tokens = bind_contextvars(**names_in(facts))
    try:
        yield
    finally:
        unbind_contextvars(*(get_contextvars().keys() - before.keys() - tokens.keys()))
        reset_contextvars(**tokens)
