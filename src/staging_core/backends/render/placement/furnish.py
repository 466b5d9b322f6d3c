"""Furnishing: from an understood room to pieces that stand in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from staging_core.backends.render.furniture.style import choose_look
from staging_core.backends.render.room import Room, Side

from . import bedroom, dining_room, living_room
from .layout import Layout, NoPlace
from .main_piece import candidates
from .plan import EXTRAS, Main, Plan
from .requests import Request, read_request
from .scene import Limits, Scene
from .spot import Spot, fill
from .walls import SIDES

PLANS: dict[str, Plan] = {
    plan.room_type: plan for plan in (living_room.PLAN, bedroom.PLAN, dining_room.PLAN)
}
COVERED, COVERED_BY_MAIN = 0.30, 0.36
"""Share of the picture that all pieces with their shadows may cover, and the least that must stay.

0.40 is the promise to the user, and some of the shadows are only found when they are drawn.
"""
FILLED = 0.45
_TRIES, _SMALLER, _NEAR_M = 4, 0.45, 2.0
_SURE = 0.55
_STRICTNESS = (
    (Limits(inside=0.97), 0.95),
    (Limits(inside=0.86), 0.95),
    (Limits(inside=0.76), 0.95),
    (Limits(inside=0.86), 0.25),
    (Limits(inside=0.74), 0.25),
    (Limits(inside=0.86, before_window=True), 0.25),
    (Limits(inside=0.70, before_window=True, near_m=1.1), 0.15),
    (Limits(inside=0.58, before_window=True, near_m=0.9), 0.10),
)
"""How the main piece is judged, strict first, and how far beside doors the floor is kept free."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """What to furnish with: the plan, the spots that seed and user want, liked walls."""

    plan: Plan
    spots: tuple[Spot, ...]
    liking: dict[Side, float]
    seed: int


@dataclass(frozen=True, slots=True)
class _Draft:
    scene: Scene
    worth: float


def furnish(
    room: Room, *, room_type: str, style: str, seed: int, furniture: tuple[str, ...] = ()
) -> Layout | NoPlace:
    """Choose and place furniture; the same arguments give the same layout.

    ``furniture``: wishes such as ``"two armchairs"``; those that find no place come back in
    ``Layout.not_placed``. Raises ``KeyError`` for an unknown room type or style.
    """
    plan = PLANS[room_type]
    random = np.random.default_rng([seed, len(room_type)])
    scene = Scene.of(room, choose_look(style, seed))
    requests = tuple(read_request(written) for written in furniture)
    spots = _wished(plan, requests, random)
    wish = _Wish(plan, spots, {side: float(random.uniform(0, 0.7)) for side in SIDES}, seed)
    for step, (limits, beside_door) in enumerate(_STRICTNESS):
        best = _best(scene.with_doors(beside_door), wish, limits, step)
        if best is not None:
            return Layout(best.placed, _missing(requests, best))
    return NoPlace(f"No {plan.mains[-1].kind.replace('_', ' ')} fits on the visible free floor.")


def _best(scene: Scene, wish: _Wish, limits: Limits, step: int) -> Scene | None:
    """The worthiest draft over sizes, large to small, and places of the main piece."""
    found: list[_Draft] = []
    for rank, main in enumerate(_sizes(wish.plan, scene.room, step)):
        drafts = _drafts(scene, wish, main, limits)
        found += [
            _Draft(draft.scene, draft.worth - _SMALLER * (rank + main.resort)) for draft in drafts
        ]
        found.sort(key=lambda draft: -draft.worth)
        if rank >= 1 and found and _well_framed(found[0].scene):
            break
    return next((draft.scene for draft in found if _thinned(draft.scene, wish.plan)), None)


def _sizes(plan: Plan, room: Room, step: int) -> tuple[Main, ...]:
    """Weak evidence leaves out the largest size; the smallest wait for what else fails."""
    mains = plan.mains if room.confidence >= _SURE else plan.mains[1:]
    return tuple(main for main in mains if main.resort <= step)


def _drafts(scene: Scene, wish: _Wish, main: Main, limits: Limits) -> list[_Draft]:
    """The best few places of one main piece, each with all its company."""
    piece = scene.piece(main.kind, main.size)
    drafts: list[_Draft] = []
    for worth, pose in candidates(scene, wish.plan, main, piece, wish.liking):
        draft = scene.bare()
        if draft.add(pose.place(piece), limits, 9.0):
            random = np.random.default_rng([wish.seed, 3])
            for spot in wish.spots:
                fill(draft, spot, random)
            if _complete(draft, wish.plan):
                drafts.append(_Draft(draft, worth + _value(draft)))
        if len(drafts) == _TRIES:
            break
    return drafts


def _well_framed(scene: Scene) -> bool:
    """Whether smaller sizes of the main piece need not be tried."""
    main = scene.stood[0].outline
    return main.inside > 0.95 and main.distance_m > _NEAR_M - 0.3


def _value(scene: Scene) -> float:
    """What a draft's company is worth, less for a main piece that is cut or too near."""
    main = scene.stood[0].outline
    cut, near = 1 - main.inside, max(0.0, _NEAR_M - main.distance_m)
    return sum(one.weight for one in scene.stood[1:]) - 6 * cut - 1.2 * near


def _thinned(scene: Scene, plan: Plan) -> bool:
    """Take away the least pieces while too much is covered; False when that cannot help."""
    while _crowded(scene):
        loose = [
            i for i in range(1, len(scene.placed)) if scene.placed[i].piece.kind not in plan.needs
        ]
        if not loose:
            return _complete(scene, plan) and scene.view.coverage(scene.placed) <= COVERED_BY_MAIN
        scene.remove(min(loose, key=lambda i: (scene.stood[i].weight, -i)))
    return _complete(scene, plan)


def _complete(scene: Scene, plan: Plan) -> bool:
    """Whether all is there that the main piece is nothing without."""
    kinds = Counter(placed.piece.kind for placed in scene.placed)
    return all(kinds[kind] >= count for kind, count in Counter(plan.needs).items())


def _crowded(scene: Scene) -> bool:
    area = sum(
        placed.piece.size_m[0] * placed.piece.size_m[1]
        for placed in scene.placed
        if placed.piece.stand == "floor"
    )
    much = area > FILLED * max(scene.floor.area_m2, 1.0) and len(scene.placed) > 3
    return much or scene.view.coverage(scene.placed) > COVERED


def _wished(
    plan: Plan, requests: tuple[Request, ...], random: np.random.Generator
) -> tuple[Spot, ...]:
    """The plan's spots that this seed wishes for, and what was asked for, which weighs more."""
    asked = Counter({request.kind: request.count for request in requests if request.kind})
    chosen = []
    for spot in plan.spots:
        luck = float(random.uniform())
        if asked[_plain(spot.kind)] > 0 and not spot.share:
            asked[_plain(spot.kind)] -= 1
            chosen.append(replace(spot, chance=1.0, weight=spot.weight + 3))
        elif luck < spot.chance:
            chosen.append(spot)
    asked[_plain(plan.mains[0].kind)] -= 1
    extra = [
        replace(EXTRAS[kind], weight=4.0)
        for kind, count in asked.items()
        if kind in EXTRAS
        for _ in range(count)
        if not (kind == "chair" and plan.needs)
    ]
    return (*chosen, *extra)


def _plain(kind: str) -> str:
    """What somebody calls a kind: a pair of pictures is wall art."""
    return {"picture_pair": "wall_art", "round_table": "dining_table", "round_rug": "rug"}.get(
        kind, kind
    )


def _missing(requests: tuple[Request, ...], scene: Scene) -> tuple[str, ...]:
    """The requests, as written, that the scene does not fulfil."""
    stands = Counter(_plain(placed.piece.kind) for placed in scene.placed)
    return tuple(
        request.written
        for request in requests
        if request.kind is None or stands[request.kind] < request.count
    )
