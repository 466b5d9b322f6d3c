"""Settings: what can be chosen, where the choices come from, and what is wrong with them."""

from __future__ import annotations

from .settings import Settings
from .values import SettingRow

__all__ = ["SettingRow", "Settings"]
