"""Synthetic empty rooms with known truth, to measure a stager that reads geometry from a photo.

``make_room(seed)`` draws a plausible picture of an empty room together with its camera, its box,
its bare floor and its openings; ``make_cluttered_room(seed)`` draws one that a stager should
refuse. The same seed gives the same bytes. Weak spots: every room is one box seen through a
perfect pinhole, nothing hangs from the ceiling, and light bounces once at most.
"""

from .box import Box
from .room import SyntheticRoom, make_cluttered_room, make_room

__all__ = ["Box", "SyntheticRoom", "make_cluttered_room", "make_room"]
