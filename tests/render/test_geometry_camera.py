"""The camera's conventions and its laws, and that it is found again from lines alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staging_core.backends.render.camera import Camera, Floats
from staging_core.backends.render.geometry.camera_search import search_camera
from staging_core.backends.render.geometry.polygon import floor_polygon
from staging_core.backends.render.geometry.segments import Segments
from staging_core.backends.render.geometry.wall_foot import coverage, picture_line

cameras = st.builds(
    Camera,
    width=st.just(960),
    height=st.just(640),
    focal_px=st.floats(400, 1200),
    pitch_deg=st.floats(-15, 25),
    roll_deg=st.floats(-4, 4),
    yaw_deg=st.floats(-44, 44),
    height_m=st.floats(0.7, 1.7),
)
level = Camera(960, 640, 600, 0, 0, 0, 1.4)


def camera(**angles: float) -> Camera:
    given_ = {"pitch_deg": 0.0, "roll_deg": 0.0, "yaw_deg": 0.0} | angles
    return Camera(960, 640, 600, height_m=1.4, **given_)


def pixel(lens: Camera, x: float, y: float, z: float) -> Floats:
    return lens.project(np.array([x, y, z]))


def test_a_level_camera_sees_the_point_ahead_at_its_height_in_the_middle() -> None:
    assert pixel(level, 0, 5, 1.4) == pytest.approx((480, 320))


def test_positive_pitch_looks_down() -> None:
    assert pixel(camera(pitch_deg=10), 0, 5, 1.4)[1] < 320


def test_positive_roll_turns_the_horizon_clockwise() -> None:
    rolled = camera(roll_deg=3)
    left, right = pixel(rolled, -3, 5, 1.4), pixel(rolled, 3, 5, 1.4)
    assert right[1] > left[1]


def test_positive_yaw_looks_to_the_right_of_the_wall_normal() -> None:
    assert pixel(camera(yaw_deg=20), 0, 5, 1.4)[0] < 480


def test_what_is_behind_the_camera_has_no_pixel() -> None:
    assert np.isnan(pixel(level, 0, -1, 0)).all()


def test_above_the_horizon_is_no_floor() -> None:
    assert np.isnan(level.on_floor(np.array([480.0, 100.0]))).all()


@given(cameras, st.floats(-3, 3), st.floats(1, 8))
def test_a_floor_point_is_found_again_from_its_pixel(lens: Camera, x: float, y: float) -> None:
    pixels = lens.project(np.array([x, y, 0.0]))
    if np.isfinite(pixels).all() and (np.abs(pixels) < 1e4).all():
        assert lens.on_floor(pixels) == pytest.approx((x, y), abs=1e-6)


@given(cameras)
def test_the_axes_of_the_camera_are_a_rotation(lens: Camera) -> None:
    axes = lens.rotation()
    assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.linalg.det(axes) == pytest.approx(1)


@given(cameras, st.floats(0.3, 4))
def test_a_scaled_camera_sees_the_same_at_another_size(lens: Camera, factor: float) -> None:
    point = np.array([0.3, 4.0, 1.0])
    assert lens.scaled(factor).project(point) == pytest.approx(lens.project(point) * factor)


@given(cameras, st.floats(0.5, 4), st.floats(0.5, 4), st.floats(1, 8))
def test_the_floor_polygon_lies_in_the_frame_and_on_the_floor(
    lens: Camera, left: float, right: float, far: float
) -> None:
    polygon = floor_polygon(Camera(*_shape(lens), 1.0), left, right, far)
    assert (polygon >= -1e-6).all()
    assert (polygon <= np.array([960, 640]) + 1e-6).all()
    foot = Camera(*_shape(lens), 1.0).on_floor(polygon)
    if len(polygon):
        assert (foot[:, 0] >= -left - 1e-6).all()
        assert (foot[:, 0] <= right + 1e-6).all()
        assert (foot[:, 1] <= far + 1e-6).all()


def _shape(lens: Camera) -> tuple[int, int, float, float, float, float]:
    return lens.width, lens.height, lens.focal_px, lens.pitch_deg, lens.roll_deg, lens.yaw_deg


def drawn_lines(lens: Camera) -> Segments:
    """Straight lines along the three axes of a room, as a camera sees them."""
    edges = []
    for a in np.linspace(-1.8, 1.8, 7):
        edges += [[(a, 2, 2.4), (a, 5, 2.4)], [(a, 5, 0.2), (a, 5, 2.4)]]
        edges += [
            [(-2, 5, 1.3 + a / 2), (2, 5, 1.3 + a / 2)],
            [(-2, 2, 1.3 + a / 2), (-2, 5, 1.3 + a / 2)],
        ]
    lines = [picture_line(lens, np.array(edge, float), shortest=40) for edge in edges]
    kept = np.array([line for line in lines if line is not None])
    return Segments(kept[:, 0], kept[:, 1])


@given(
    st.floats(0.45, 1.0),
    st.floats(-4, 12),
    st.floats(-2, 2),
    st.floats(12, 25),  # turned further, a narrow view shows too few of the room's lines
    st.sampled_from([-1, 1]),
)
@settings(max_examples=12, deadline=None)
def test_a_camera_is_found_again_from_lines_alone(
    focal: float, pitch: float, roll: float, yaw: float, side: int
) -> None:
    lens = Camera(1024, 683, focal * 1024, pitch, roll, side * yaw, 1.4)
    found = search_camera(drawn_lines(lens), 1024, 683).camera
    assert found.pitch_deg == pytest.approx(lens.pitch_deg, abs=0.5)
    assert found.roll_deg == pytest.approx(lens.roll_deg, abs=0.5)
    assert abs((found.yaw_deg - lens.yaw_deg + 45) % 90 - 45) < 0.5
    assert found.focal_px == pytest.approx(lens.focal_px, rel=0.03)


def test_coverage_is_the_share_of_a_line_that_segments_lie_on() -> None:
    line = np.array([[0.0, 100.0], [400.0, 100.0]])
    start = np.array([[0.0, 101.0], [300.0, 99.0], [0.0, 140.0]])
    end = np.array([[100.0, 101.0], [400.0, 100.0], [400.0, 140.0]])
    assert coverage(line, Segments(start, end)) == pytest.approx(0.5, abs=0.01)


def test_a_line_out_of_view_has_no_picture_line() -> None:
    assert picture_line(level, np.array([[0.0, -5.0, 0.0], [0.0, -2.0, 0.0]])) is None
