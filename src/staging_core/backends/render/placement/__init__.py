"""Placing furniture in an understood room, by templates and a stager's rules.

Weak spots: only pieces that the picture shows are thought of, so that what stands behind the
viewer is ignored; layouts are rows and groups parallel to the walls.
"""

from __future__ import annotations

from .furnish import PLANS, furnish
from .layout import Layout, NoPlace
from .report import PlacedReport, describe

__all__ = ["PLANS", "Layout", "NoPlace", "PlacedReport", "describe", "furnish"]
