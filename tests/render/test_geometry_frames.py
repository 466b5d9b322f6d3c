"""Which lines on a wall frame a door or a window."""

from __future__ import annotations

import numpy as np

from staging_core.backends.render.geometry.openings import frame_foot

SCALE = 1.4  # metres of one camera height


def jamb(bottom_m: float) -> np.ndarray:
    """One upright line (1, 4) at 0 along the wall, from ``bottom_m`` to two metres."""
    return np.array([[0.0, 0.0, bottom_m / SCALE, 2.0 / SCALE]])


NONE = np.empty((0, 4))


def test_two_jambs_frame_whatever_hangs_between_them_as_far_as_the_shorter_one_goes() -> None:
    foot = frame_foot([jamb(0.9), jamb(0.8)], 1.5, 2.0, SCALE)
    assert foot is not None
    assert np.isclose(foot * SCALE, 0.9)


def test_a_head_as_wide_as_a_door_needs_only_one_jamb_that_goes_down() -> None:
    assert frame_foot([jamb(0.2), NONE], 0.8, 1.95, SCALE) == 0.0
    assert frame_foot([NONE, jamb(0.2)], 0.8, 1.95, SCALE) == 0.0


def test_one_jamb_frames_no_window_no_wide_thing_and_nothing_low() -> None:
    assert frame_foot([jamb(0.9), NONE], 0.8, 1.95, SCALE) is None
    assert frame_foot([jamb(0.2), NONE], 1.6, 1.95, SCALE) is None
    assert frame_foot([jamb(0.2), NONE], 0.8, 1.2, SCALE) is None


def test_no_jamb_frames_nothing() -> None:
    assert frame_foot([NONE, NONE], 0.8, 1.95, SCALE) is None
