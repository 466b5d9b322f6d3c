"""What an operator may change while the installation runs."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class RuntimeSetting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting. ``value``: what holds now; ``default``: what holds where nothing was chosen.

    ``updated_at``: Unix seconds; None where nothing was chosen.
    """

    key: str
    value: Any
    default: Any
    type: str
    description: str
    updated_at: float | None = None
    updated_by: str | None = None


class ConfigField(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a model's configuration. ``options``: all values that it may have.

    ``is_secret``: it is written and never read again.
    """

    name: str
    type: Literal["bool", "string", "int", "float"]
    default: Any = None
    description: str = ""
    options: tuple[Any, ...] = ()
    min: float | None = None
    max: float | None = None
    required: bool = False
    is_secret: bool = False


class ModelConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a model is configured with. ``values``: of every field, its default where none is set.

    A secret's value is empty here; ``secrets_set`` names those that there are.
    """

    model_id: str
    values: dict[str, Any]
    secrets_set: tuple[str, ...] = ()
    updated_at: float | None = None
    updated_by: str | None = None
