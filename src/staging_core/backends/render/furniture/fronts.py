"""The fronts of cabinets: doors and drawers by form, with their handles."""

from __future__ import annotations

from dataclasses import dataclass

from .assembly import Assembly
from .shapes import lathe, rounded_box
from .style import Look
from .transform import move, turn


@dataclass(frozen=True, slots=True)
class Front:
    """A door or drawer, its size in metres; ``hinge``: the side, -1 or 1, without the handle."""

    form: str
    wide: float
    high: float
    drawer: bool
    hinge: int


def body_role(form: str) -> str:
    """The palette role of a cabinet's body and fronts."""
    return "wood" if form in ("slat", "frame", "cane") else "cabinet"


def front(look: Look, one: Front) -> Assembly:
    """The front in its own frame: middle of the lower edge at the origin, facing -y."""
    assembly = Assembly(look)
    if one.form == "slat":
        _slats(assembly, one)
        return assembly
    assembly.add(body_role(one.form), move(rounded_box(one.wide, 0.020, one.high, 0.003), y=0.010))
    if one.form == "panelled":
        _frame(assembly, one)
    if one.form == "cane" and not one.drawer:
        panel = rounded_box(one.wide - 0.10, 0.006, one.high - 0.10, 0.002)
        assembly.add("headboard", move(panel, y=-0.001, z=0.05))
    _handle(assembly, one)
    return assembly


def _slats(assembly: Assembly, one: Front) -> None:
    assembly.add("wood", move(rounded_box(one.wide, 0.012, one.high, 0.002), y=0.014))
    count = max(int(one.wide / 0.018), 2)
    rib = rounded_box(0.012, 0.012, one.high, 0.005, steps=2)
    for k in range(count):
        assembly.add("wood", move(rib, one.wide * ((k + 0.5) / count - 0.5), 0.005))


def _frame(assembly: Assembly, one: Front) -> None:
    """A raised frame round the front."""
    band = 0.045 if one.high > 0.25 else 0.028
    rail, post = (
        rounded_box(one.wide, 0.010, band, 0.003),
        rounded_box(band, 0.010, one.high, 0.003),
    )
    assembly.add("cabinet", move(rail, y=-0.003), move(rail, y=-0.003, z=one.high - band))
    assembly.add_pair("cabinet", move(post, (one.wide - band) / 2, -0.003))


def _handle(assembly: Assembly, one: Front) -> None:
    x = 0.0 if one.drawer else -one.hinge * (one.wide / 2 - 0.05)
    z = one.high * (0.5 if one.drawer else 0.58)
    if one.form == "panelled":
        _knobs(assembly, one, x, z)
    elif one.form == "frame" or (
        one.form == "flat" and assembly.look.form("leg") in ("pin", "sled")
    ):
        _bar(assembly, one, x, z)
    else:
        groove = rounded_box(min(0.10, one.wide * 0.3), 0.006, 0.014, 0.002)
        assembly.add("frame", move(groove, y=0.0015, z=one.high - 0.020))


def _knobs(assembly: Assembly, one: Front, x: float, z: float) -> None:
    profile = [(0.006, 0.0), (0.006, 0.012), (0.016, 0.02), (0.013, 0.03), (0.0, 0.032)]
    knob = turn(lathe(profile, sides=14), "x", 90)
    spread = one.wide * 0.25 if one.drawer and one.wide > 0.45 else 0.0
    for shift in {-spread, spread}:
        assembly.add("metal", move(knob, x + shift, 0, z))


def _bar(assembly: Assembly, one: Front, x: float, z: float) -> None:
    long = min(0.16, one.wide * 0.4)
    size = (long, 0.010, 0.010) if one.drawer else (0.010, 0.010, 0.16)
    assembly.add("metal", move(rounded_box(*size, 0.003), x, -0.014, z))
    assembly.add("metal", move(rounded_box(0.008, 0.016, 0.008, 0.001), x, -0.006, z))
