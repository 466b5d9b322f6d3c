"""Reads an empty room from one photo: camera, walls, floor and openings, or why it cannot.

Weak spots: straight, undistorted pictures with the principal point in their middle are assumed;
the scale comes from an assumed ceiling height unless a measure is given; only plain box rooms are
understood, and what a mirror shows is told from floor by lines alone.
"""

from __future__ import annotations

from . import overlay
from .understand import understand

__all__ = ["overlay", "understand"]
