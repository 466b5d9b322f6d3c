"""Whether a room is understood well enough to furnish it, said in a photographer's words.

Some findings refuse alone. The others are doubts of comparable size that add up: no single one of
them tells a glossy or patterned empty floor from one with things on it. Their scales are set so
that rooms that were read rightly stay under 1.5 and strewn ones lie over 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from staging_core.backends.render.room import Room

from .evidence import Evidence

MOST_DOUBT = 2.2
LEAST_FLOOR = 0.055
LEAST_DEPTH_M = 1.6

THINGS = "Things seem to stand or lie on the floor; the room has to be empty."
SHAPE = "The room does not look like one plain box, so furniture could end up in a wall."
EDGE = "The edge between floor and walls cannot be seen clearly enough."


@dataclass(frozen=True, slots=True)
class Doubt:
    """One finding against a room: how much it weighs, and what a photographer is told."""

    weight: float
    reason: str


def refusal(evidence: Evidence, room: Room) -> str | None:
    """One plain sentence, or None for a room that can be furnished."""
    alone = (
        (
            evidence.floor_share < LEAST_FLOOR or room.far.at_m < LEAST_DEPTH_M,
            "Too little of the floor is in the picture to stand furniture on.",
        ),
        (evidence.light < 50, "The picture is too dark to see where the floor ends."),
        (
            evidence.explained < 0.6,
            "The lines in the picture do not agree on one plain box-shaped room.",
        ),
        (evidence.foot_cover < 0.25, EDGE),
        (evidence.clutter > 0.3, "Too much of the floor is covered by things."),
    )
    for refused, reason in alone:
        if refused:
            return reason
    doubts = doubts_of(evidence, room)
    if sum(doubt.weight for doubt in doubts) < MOST_DOUBT:
        return None
    return max(doubts, key=lambda doubt: doubt.weight).reason


def confidence_of(doubts: list[Doubt]) -> float:
    """0..1; a half where a room would just be refused."""
    total = sum(doubt.weight for doubt in doubts)
    return float(1 / (1 + (total / MOST_DOUBT) ** 2))


def doubts_of(evidence: Evidence, room: Room) -> list[Doubt]:
    """Every finding against a room, none of them negative."""
    width = room.right.at_m - room.left.at_m
    narrow = room.left.seen and room.right.seen
    return [
        Doubt((1 - evidence.explained) / 0.15, SHAPE),
        Doubt((1 - evidence.foot_cover) * 0.8, EDGE),
        Doubt(max(0.0, 0.45 - evidence.parting) / 0.3, EDGE),
        Doubt((1 - evidence.agreement) / 0.4, SHAPE),
        Doubt(evidence.stray_lines / 0.8, THINGS),
        Doubt(evidence.uprights_on_floor / 0.5, THINGS),
        Doubt(evidence.clutter / 0.1, THINGS),
        Doubt(0.5 * evidence.askew_lines / (evidence.askew_lines + 3), SHAPE),
        Doubt(max(0.0, (2.9 - width) / 0.6) if narrow else 0.0, "The room is a narrow passage."),
        # Halls are rare; a dado or a dark lower wall taken for floor makes every room a hall.
        Doubt(max(0.0, (math.sqrt(width * room.far.at_m) - 8) / 1.5), EDGE),
        Doubt(max(0.0, (130 - evidence.light) / 30), "The picture is too dark."),
    ]
