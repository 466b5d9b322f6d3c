"""What a backend found when it looked around."""

from __future__ import annotations

from typing import Literal

import msgspec

Level = Literal["ok", "advice", "wrong"]


class Inspected(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at.

    ``level``: ``wrong`` keeps something from working, ``advice`` will hurt one day or cannot be
    seen from here. ``remedy``: what to do, empty when it is ``ok``.
    """

    name: str
    level: Level
    message: str
    remedy: str = ""
