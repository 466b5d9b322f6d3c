"""Openings."""

from __future__ import annotations

from staging_core.backends.render.room import Opening

from .box import Box
from .sight import Sight


def find_openings(sight: Sight, box: Box, scale: float) -> tuple[Opening, ...]:
    return ()
