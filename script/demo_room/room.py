"""The room itself: its shell, trim, door, windows and small things; metres."""

from __future__ import annotations

import bpy

from .shapes import box, disc

LEFT, RIGHT, NEAR, FAR, CEILING = -1.95, 2.95, -0.45, 6.1, 2.68
THICK = 0.3
WINDOWS = ((2.55, 3.95), (4.4, 5.8))  # spans along the right wall
SILL, HEAD = 0.42, 2.34
DOOR = (4.35, 5.2)
DOOR_TOP = 2.05


def shell(wall: bpy.types.Material, ceiling: bpy.types.Material) -> None:
    """Walls with holes for the windows and the door, and the ceiling."""
    box((LEFT - THICK, FAR, 0), (RIGHT + THICK, FAR + THICK, CEILING), wall)
    box((LEFT - THICK, NEAR - THICK, CEILING), (RIGHT + THICK, FAR + THICK, CEILING + 0.2), ceiling)
    box((LEFT - THICK, NEAR, 0), (LEFT, DOOR[0], CEILING), wall)
    box((LEFT - THICK, DOOR[1], 0), (LEFT, FAR, CEILING), wall)
    box((LEFT - THICK, DOOR[0], DOOR_TOP), (LEFT, DOOR[1], CEILING), wall)
    inner, outer = RIGHT, RIGHT + THICK
    box((inner, NEAR, 0), (outer, FAR, SILL), wall)
    box((inner, NEAR, HEAD), (outer, FAR, CEILING), wall)
    edges = [NEAR, *(edge for span in WINDOWS for edge in span), FAR]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        box((inner, start, SILL), (outer, end, HEAD), wall)


def skirting(trim: bpy.types.Material) -> None:
    """Baseboards, a small cornice, and the casing of the door."""
    runs = [
        ((LEFT, FAR - 0.016), (RIGHT, FAR)),
        ((LEFT, NEAR), (LEFT + 0.016, DOOR[0] - 0.07)),
        ((LEFT, DOOR[1] + 0.07), (LEFT + 0.016, FAR)),
        ((RIGHT - 0.016, NEAR), (RIGHT, FAR)),
    ]
    for low, high in runs:
        box((*low, 0.001), (*high, 0.11), trim, 0.004)
    for grow, drop in ((0.02, 0.075), (0.045, 0.04)):
        box((LEFT, FAR - grow, CEILING - drop), (RIGHT, FAR, CEILING), trim, 0.006)
        box((LEFT, NEAR, CEILING - drop), (LEFT + grow, FAR, CEILING), trim, 0.006)
        box((RIGHT - grow, NEAR, CEILING - drop), (RIGHT, FAR, CEILING), trim, 0.006)
    out, wide = LEFT + 0.02, 0.07
    box((LEFT, DOOR[0] - wide, 0), (out, DOOR[0] + 0.008, DOOR_TOP + wide), trim, 0.004)
    box((LEFT, DOOR[1] - 0.008, 0), (out, DOOR[1] + wide, DOOR_TOP + wide), trim, 0.004)
    head = (DOOR[0] - 0.008, DOOR[1] + 0.008)
    box((LEFT, head[0], DOOR_TOP - 0.008), (out - 0.0005, head[1], DOOR_TOP + wide), trim, 0.004)


def door(leaf: bpy.types.Material, metal: bpy.types.Material) -> None:
    """A closed white door of two panels with a lever handle, set back in its frame."""
    face = LEFT - 0.035
    box(
        (face - 0.04, DOOR[0] + 0.012, 0.008),
        (face - 0.012, DOOR[1] - 0.012, DOOR_TOP - 0.012),
        leaf,
    )
    rails = ((0.008, 0.2), (0.9, 1.03), (DOOR_TOP - 0.14, DOOR_TOP - 0.012))
    start, end = DOOR[0] + 0.012, DOOR[1] - 0.012
    for low, high in rails:
        box((face - 0.014, start + 0.105, low), (face - 0.0005, end - 0.105, high), leaf, 0.005)
    for edge in (start, end - 0.11):
        box((face - 0.014, edge, 0.008), (face, edge + 0.11, DOOR_TOP - 0.012), leaf, 0.005)
    for low, high in ((0.2, 0.9), (1.03, DOOR_TOP - 0.14)):
        box(
            (face - 0.014, start + 0.15, low + 0.04),
            (face - 0.005, end - 0.15, high - 0.04),
            leaf,
            0.006,
        )
    box((LEFT - THICK, DOOR[0], 0), (LEFT - 0.001, DOOR[0] + 0.01, DOOR_TOP), leaf)
    box((LEFT - THICK, DOOR[1] - 0.01, 0), (LEFT - 0.001, DOOR[1], DOOR_TOP), leaf)
    lintel = LEFT - 0.002
    box((LEFT - THICK, DOOR[0] + 0.01, DOOR_TOP - 0.01), (lintel, DOOR[1] - 0.01, DOOR_TOP), leaf)
    box((LEFT - THICK - 0.05, DOOR[0], 0), (LEFT - THICK, DOOR[1], DOOR_TOP), leaf)
    box((LEFT - 0.09, DOOR[0], 0), (LEFT - 0.01, DOOR[1], 0.006), leaf)
    grip = start + 0.06
    disc((face + 0.006, grip, 1.0), 0.026, 0.012, metal, "x")
    disc((face + 0.03, grip, 1.0), 0.009, 0.05, metal, "x")
    box((face + 0.045, grip - 0.01, 0.991), (face + 0.062, grip + 0.115, 1.009), metal, 0.006)


def window(span: tuple[float, float], frame: bpy.types.Material, trim: bpy.types.Material) -> None:
    """Two casements side by side with a transom, deep in their reveal, and a sill board."""
    start, end = span
    back, front = RIGHT + 0.2, RIGHT + 0.14
    for low, high in (
        ((start, SILL), (start + 0.055, HEAD)),
        ((end - 0.055, SILL), (end, HEAD)),
        ((start + 0.05, SILL), (end - 0.05, SILL + 0.06)),
        ((start + 0.05, HEAD - 0.055), (end - 0.05, HEAD)),
    ):
        across = 0.0005 * (high[1] - low[1] > 1)  # keeps faces that meet from flickering
        box((front - 0.02 - across, *low), (back + across, *high), frame, 0.004)
    middle, bar = (start + end) / 2, SILL + (HEAD - SILL) * 0.7
    box((front - 0.012, middle - 0.045, SILL), (back + 0.001, middle + 0.045, HEAD), frame, 0.005)
    box((front, start + 0.05, bar - 0.03), (back + 0.002, end - 0.05, bar + 0.03), frame, 0.004)
    for left, right in ((start + 0.055, middle - 0.045), (middle + 0.045, end - 0.055)):
        for low, high in ((SILL + 0.06, bar - 0.03), (bar + 0.03, HEAD - 0.055)):
            sash(left, right, low, high, frame)
    box(
        (RIGHT - 0.045, start - 0.04, SILL - 0.03),
        (RIGHT + 0.14, end + 0.04, SILL + 0.004),
        trim,
        0.006,
    )


def sash(left: float, right: float, low: float, high: float, frame: bpy.types.Material) -> None:
    """The moving frame of one pane."""
    face, back, wide = RIGHT + 0.15, RIGHT + 0.185, 0.035
    box((face, left, low), (back, left + wide, high), frame, 0.004)
    box((face, right - wide, low), (back, right, high), frame, 0.004)
    inner, outer = left + wide - 0.004, right - wide + 0.004
    box((face + 0.0005, inner, low), (back - 0.0005, outer, low + wide), frame, 0.004)
    box((face + 0.0005, inner, high - wide), (back - 0.0005, outer, high), frame, 0.004)


def details(plate: bpy.types.Material, dark: bpy.types.Material, lamp: bpy.types.Material) -> None:
    """Recessed spots, a smoke alarm, sockets and a switch."""
    for x in (LEFT + 1.2, RIGHT - 1.2):
        for y in (1.7, 3.3, 4.9):
            disc((x, y, CEILING - 0.002), 0.055, 0.008, plate)
            disc((x, y, CEILING - 0.005), 0.041, 0.006, lamp)
    disc(((LEFT + RIGHT) / 2 + 0.3, 4.1, CEILING - 0.018), 0.058, 0.036, plate)
    for x in (LEFT + 0.75, RIGHT - 1.0):
        box((x, FAR - 0.009, 0.27), (x + 0.082, FAR, 0.352), plate, 0.003)
        disc((x + 0.041, FAR - 0.008, 0.311), 0.02, 0.006, dark, "y")
    switch = DOOR[0] - 0.25
    box((LEFT, switch, 1.05), (LEFT + 0.009, switch + 0.082, 1.132), plate, 0.003)
    box((LEFT + 0.004, switch + 0.014, 1.064), (LEFT + 0.013, switch + 0.068, 1.118), plate, 0.002)
