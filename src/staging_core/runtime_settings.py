"""What an operator may change while the installation runs, and what holds now, in every process.

The rows are the truth: a process looks at them once a second at most, when it needs them. A value
that was chosen beats the process's own setting of the same name.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NamedTuple, get_type_hints

import msgspec

from .config import Settings
from .database import runtime
from .database.spend import Caps
from .errors import NotFound, UnknownModel, ValidationFailed
from .honour import fits
from .models import ModelCard
from .ports import Ports

log = logging.getLogger("staging_core")

ACTIVE_MODEL = "active_model"
_HINTS = get_type_hints(Settings, include_extras=True)
_MEANINGS = {row.name: row.meaning for row in Settings.rows()}


class Known(NamedTuple):
    """A setting that can be changed: its type, what it means, and what holds unless chosen."""

    hint: Any
    type: str
    meaning: str
    default: Callable[[Ports], Any]


def _as_set(name: str, type: str = "int") -> Known:
    """The setting of that name, which may be chosen anew."""
    return Known(_HINTS[name], type, _MEANINGS[name], lambda ports: getattr(ports.settings, name))


KNOWN: dict[str, Known] = {
    ACTIVE_MODEL: Known(
        str,
        "string",
        "The model of a request that names none; the first of the setting `stager` when not set.",
        lambda ports: next(iter(ports.stagers)),
    ),
    "max_queued": _as_set("max_queued"),
    "rate_limit_creates": _as_set("rate_limit_creates"),
    "rate_limit_requests": _as_set("rate_limit_requests"),
    **{name: _as_set(name, "float") for name in Caps._fields},
}
"""Every setting whose change takes effect in all processes, within a second."""


class Chosen(msgspec.Struct, frozen=True):
    """What operators have chosen: settings by key, and each model's options."""

    values: dict[str, Any]
    options: dict[str, dict[str, Any]]


async def chosen(ports: Ports) -> Chosen:
    """As it stood a moment ago, at most a second."""
    known: Chosen | None = ports.recent.get(Chosen)
    if known is None:
        changes = ports.recent.changes
        async with ports.database.read() as tx:
            rows = await runtime.settings(tx)
            options = await runtime.options(tx)
        known = Chosen({key: row["value"] for key, row in rows.items()}, options)
        ports.recent.keep(Chosen, known, changes=changes)
    return known


async def current(ports: Ports, key: str) -> Any:
    """The value that holds now."""
    values = (await chosen(ports)).values
    return values[key] if key in values else KNOWN[key].default(ports)


async def active_model(ports: Ports) -> str:
    """The model of a request that names none; ``UnknownModel`` where this process lacks it."""
    name: str = await current(ports, ACTIVE_MODEL)
    if name not in ports.stagers:
        raise UnknownModel(
            f"The active model {name!r} is not open here.",
            remedy=f"Name one of {', '.join(ports.stagers)}, or let an operator activate one.",
        )
    return name


async def configured_options(ports: Ports, card: ModelCard) -> dict[str, Any]:
    """What an operator has configured the model with, as far as its card still takes it."""
    options = (await chosen(ports)).options.get(card.id, {})
    known = card.options.get("properties", {})
    taken = {
        name: value for name, value in options.items() if name in known and fits(known[name], value)
    }
    if taken != options:
        log.warning("model %s: its card does not take all that is configured", card.id)
    return taken


def checked(ports: Ports, key: str, value: Any) -> Any:
    """The value, when that setting may have it; ``NotFound``, ``ValidationFailed``."""
    if key not in KNOWN:
        raise NotFound(f"There is no setting {key[:64]!r} to change.")
    if value is None:
        return None
    try:
        value = msgspec.convert(value, KNOWN[key].hint)
    except msgspec.ValidationError as wrong:
        raise ValidationFailed(fields={"value": f"{wrong}."}) from wrong
    if key == ACTIVE_MODEL and value not in ports.stagers:
        listed = ", ".join(ports.stagers)
        raise ValidationFailed(fields={"value": f"is no model that is open here: {listed}."})
    return value
