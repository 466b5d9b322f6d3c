"""How a backend is opened, and all that it may know of us."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from staging_core.urls import BackendURL

S = TypeVar("S")
Role = Literal["api", "worker", "tool"]


class OpenContext(Protocol):
    """What a backend may ask for while it opens."""

    @property
    def role(self) -> Role:
        """What this process is for; in ``api`` no weights are loaded."""
        ...

    @property
    def home(self) -> Path:
        """The installation's folder; a backend keeps its files in a folder of its own below it."""
        ...

    def clock(self) -> float:
        """Unix time in seconds, from the installation's clock."""
        ...

    def secret(self, name: str) -> str:
        """The value of the secret variable ``name``; ``MissingSetting`` names it when unset."""
        ...

    def settings(self, shape: type[S]) -> S:
        """The plugin's own table as a struct of ``shape``; ``SettingError`` names what is wrong."""
        ...


Opener = Callable[[BackendURL, OpenContext], AbstractAsyncContextManager[Any]]
"""Opens a backend: an async context manager whose exit frees everything, also after an error.

Raises ``SettingError`` (or a subclass that names the remedy) for a URL it cannot serve, before it
opens anything.
"""
