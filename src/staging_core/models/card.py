"""What a model can do, in data: nothing a card does not list is ever sent or silently dropped."""

from __future__ import annotations

from typing import Any

import msgspec


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """Provider cost of one output: ``usd`` flat plus ``usd_per_megapixel`` of the output."""

    usd: float = 0.0
    usd_per_megapixel: float = 0.0


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """Picture sizes in pixels that the model takes: sides within ``min_side..max_side``."""

    min_side: int = 64
    max_side: int = 12_000
    max_pixels: int = 50_000_000


class Canvas(msgspec.Struct, frozen=True, kw_only=True):
    """The picture that a model is given so that it gives back the same frame.

    The photo is scaled and padded, never cropped, to fit; the engine undoes both. ``ratios``: the
    only aspect ratios (``"3:2"``) the model answers in, empty for any. ``max_pixels``: of the
    canvas. ``multiple_of``: its sides are multiples of this many pixels. ``content_type``:
    ``image/png`` or ``image/jpeg``.
    """

    ratios: tuple[str, ...] = ()
    max_pixels: int = 50_000_000
    multiple_of: int = 1
    content_type: str = "image/png"


class ModelCard(msgspec.Struct, frozen=True, kw_only=True):
    """One model's abilities.

    ``honours``: the parts of a request that have an effect, of ``mask, reference, prompt, seed,
    strength, furniture``. ``rooms``, ``styles``: empty means every one in the catalog.
    ``time_limit_s``: wall time of one ``stage`` call; how long a deferred prediction may take is
    the setting ``prediction_deadline_s``. ``usual_s``: seconds that a deferred prediction usually
    takes at most, for which a callback is awaited before anybody asks; 0: not known.
    ``provider``: whose limits it shares with other models (creates a minute, callbacks); empty:
    none but its own.
    ``in_flight``: calls at one time per worker (answering) or per installation (deferred).
    ``lane``: the queue lane its jobs wait in. ``output_hosts``: where outputs may be fetched from.
    ``idempotent_create``: creating twice with one attempt id makes one prediction.
    ``canvas``: the picture it is given; None: the working copy as it is. ``prompt_limit``:
    characters of a prompt that the model reads; 0: any number.
    ``options``: JSON Schema of the model's own options. ``secrets``: what an operator may hand in
    for it, by name with its meaning; ``Attempt.secrets`` has them. ``digital_source_type``: the
    IPTC term that its pictures are marked with. ``source`` and ``checked``: where the facts are
    from and the date (ISO) they were read.
    """

    id: str
    name: str
    summary: str = ""
    version: str = "1"
    provider: str = ""
    honours: frozenset[str] = frozenset()
    rooms: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    sizes: Sizes = Sizes()
    output_formats: tuple[str, ...] = ("image/png",)
    price: Price = Price()
    time_limit_s: float = 60.0
    usual_s: float = 0.0
    in_flight: int = 1
    lane: str = "default"
    output_hosts: tuple[str, ...] = ()
    idempotent_create: bool = False
    canvas: Canvas | None = None
    prompt_limit: int = 0
    options: dict[str, Any] = {}
    secrets: dict[str, str] = {}
    digital_source_type: str = "compositeWithTrainedAlgorithmicMedia"
    source: str = ""
    checked: str = ""
