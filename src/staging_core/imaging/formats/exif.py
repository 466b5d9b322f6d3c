"""The few facts of an Exif block that matter: which way is up, and how long the lens is.

Exif 3.0 (CIPA DC-008) tags. A broken block counts as none: cameras and editors write many.
"""

from __future__ import annotations

import struct

import msgspec

from staging_core.errors import BadPicture

from .tiff import ORIENTATION, byte_order, read_directory

_EXIF_DIRECTORY = 0x8769
_FOCAL_MM, _FOCAL_35MM = 0x920A, 0xA405
_WIDTH, _HEIGHT = 0xA002, 0xA003
_PLANE_RESOLUTION, _PLANE_UNIT = 0xA20E, 0xA210
_SENSOR_RATIOS = (3 / 2, 4 / 3)
_SENSORS_MM = (13.2, 17.3, 22.4, 23.5, 36.0)  # longer side: 1", Four Thirds, APS-C twice, full
_UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
_DIAGONAL_35MM = 43.2666  # of the 36 x 24 mm frame; CIPA DCG-001 compares diagonals


class Exif(msgspec.Struct, frozen=True, kw_only=True):
    """What the camera wrote; 0 where it wrote nothing (or nonsense).

    ``orientation``: 1..8. ``width``, ``height``: pixels when the photo was taken.
    ``plane_px_per_mm``: pixels per millimetre of sensor, along the width.
    """

    orientation: int = 1
    focal_mm: float = 0.0
    focal_35mm: float = 0.0
    width: float = 0.0
    height: float = 0.0
    plane_px_per_mm: float = 0.0

    @property
    def turned(self) -> bool:
        """Whether width and height swap when the picture is put upright."""
        return self.orientation >= 5


def read_exif(block: bytes) -> Exif:
    """The facts in an Exif block (a small TIFF, with or without ``Exif\\0\\0`` before it)."""
    block = block.removeprefix(b"Exif\0\0")
    try:
        order = byte_order(block)
        tags, _ = read_directory(block, order, struct.unpack_from(order + "I", block, 4)[0])
    except (struct.error, BadPicture):
        return Exif()
    try:
        where = int(tags.get(_EXIF_DIRECTORY, [0])[0])
        more = read_directory(block, order, where)[0] if where else {}
    except struct.error:
        more = {}
    return _facts({tag: values[0] for tag, values in (tags | more).items()})


def _facts(tags: dict[int, float]) -> Exif:
    orientation = tags.get(ORIENTATION, 1)
    unit_mm = _UNIT_MM.get(int(tags.get(_PLANE_UNIT, 2)), 0.0)
    return Exif(
        orientation=int(orientation) if orientation in range(1, 9) else 1,
        focal_mm=tags.get(_FOCAL_MM, 0.0),
        focal_35mm=tags.get(_FOCAL_35MM, 0.0),
        width=tags.get(_WIDTH, 0.0),
        height=tags.get(_HEIGHT, 0.0),
        plane_px_per_mm=tags.get(_PLANE_RESOLUTION, 0.0) / unit_mm if unit_mm else 0.0,
    )


def focal_px(exif: Exif, width: int, height: int) -> float | None:
    """The focal length in pixels of a picture of that size; None when Exif cannot be trusted.

    A cropped picture's lens says nothing any more, and editors bring the other tags up to date. So
    the ratio must be that of a sensor (3:2 or 4:3) and of the photo as it was taken. Without the
    35 mm equivalent the sensor that the tags imply must be one that cameras have. Results below a
    third of the longer side (113 degrees) or above four times of it are no lens for rooms.
    """
    longer, ratio = max(width, height), max(width, height) / min(width, height)
    if not _is_near(ratio, _SENSOR_RATIOS) or not _is_as_taken(exif, ratio):
        return None
    focal = 0.0
    if exif.focal_35mm > 0:
        focal = exif.focal_35mm * (width**2 + height**2) ** 0.5 / _DIAGONAL_35MM
    elif exif.focal_mm > 0 and exif.plane_px_per_mm > 0:
        sensor_mm = max(exif.width, exif.height) / exif.plane_px_per_mm
        focal = exif.focal_mm / sensor_mm * longer if _is_near(sensor_mm, _SENSORS_MM) else 0.0
    return focal if longer / 3 <= focal <= longer * 4 else None


def _is_as_taken(exif: Exif, ratio: float) -> bool:
    if exif.width <= 0 or exif.height <= 0:
        return True
    taken = max(exif.width, exif.height) / min(exif.width, exif.height)
    return _is_near(ratio, (taken,))


def _is_near(value: float, known: tuple[float, ...]) -> bool:
    return any(abs(value / one - 1) <= 0.02 for one in known)
