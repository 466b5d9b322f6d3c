"""An ``OpenContext`` for opening a backend without an installation."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from staging_core.errors import MissingSetting, SettingError
from staging_core.interfaces import KeyBook
from staging_core.interfaces.opening import Role

from .fake_keys import FakeKeys

S = TypeVar("S")


class FakeContext:
    """Answers what a test put in.

    ``secrets`` by name, ``table`` as the plugin's own settings, ``keys`` for authenticators.
    """

    def __init__(
        self,
        home: Path,
        *,
        role: Role = "tool",
        secrets: Mapping[str, str] | None = None,
        table: Mapping[str, Any] | None = None,
        clock: Callable[[], float] = time.time,
        keys: KeyBook | None = None,
    ) -> None:
        self.home = home
        self.role: Role = role
        self._secrets = dict(secrets or {})
        self._table = dict(table or {})
        self._clock = clock
        self.keys: KeyBook = FakeKeys() if keys is None else keys

    def clock(self) -> float:
        """Unix time in seconds."""
        return self._clock()

    def secret(self, name: str) -> str:
        """The secret; ``MissingSetting`` when the test gave none of that name."""
        try:
            return self._secrets[name]
        except KeyError:
            raise MissingSetting(
                f"{name} is not set.", remedy=f"Set the variable {name}."
            ) from None

    def settings(self, shape: type[S]) -> S:
        """The table as ``shape``; ``SettingError`` names what does not fit."""
        try:
            return msgspec.convert(self._table, shape)
        except msgspec.ValidationError as error:
            raise SettingError(f"The plugin's settings do not fit: {error}.") from error
