"""Whether a room is understood well enough to furnish it, said in a photographer's words."""

from __future__ import annotations

from staging_core.backends.render.room import Room

from .evidence import Evidence


def refusal(evidence: Evidence, room: Room) -> str | None:
    """One plain sentence, or None for a room that can be furnished."""
    if evidence.explained < 0.7:
        return "The lines in the picture do not agree on one plain box-shaped room."
    if evidence.floor_share < 0.06:
        return "Too little of the floor is in the picture to stand furniture on."
    if evidence.foot_cover < 0.3:
        return "The edge between floor and walls cannot be seen clearly enough."
    if evidence.clutter > 0.3:
        return "Too much of the floor is covered by things."
    return None


def confidence_of(evidence: Evidence) -> float:
    """0..1: how far every piece of evidence is from where it would be refused."""
    return evidence.explained
