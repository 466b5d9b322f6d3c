"""What a model at Replicate takes and gives, as data: the form of the files under ``cards``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from staging_core.errors import SettingError
from staging_core.models import Canvas, ModelCard, Price, Sizes

DELIVERY_HOSTS = ("replicate.delivery", "*.replicate.delivery")
Way = Literal["url", "file", "data"]


class PictureInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the photo goes. ``list``: the field takes a list. ``ways``: how it may be sent.

    ``url``: an address that the provider fetches; ``file``: its files API; ``data``: a data URI.
    """

    field: str
    list: bool = False
    ways: tuple[Way, ...] = ("url", "file", "data")


class SeedInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the seed goes. ``max``: the largest that the model takes; larger ones are folded."""

    field: str
    max: int = 2**32 - 1


class RatioInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the aspect ratio goes: of ``choices`` (``"3:2"``) the nearest to the photo's."""

    field: str
    choices: tuple[str, ...]


class SizeInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the output's size goes, which is asked for in the photo's shape and within the bounds.

    ``multiple_of``: the model rounds sides to multiples of this many pixels.
    """

    width: str
    height: str
    min_side: int
    max_side: int
    min_pixels: int = 1
    max_pixels: int = 2**31
    multiple_of: int = 1


class ReplicateCard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model.

    ``official``: it runs without a version; a community model needs one, ``model_version`` or the
    URL's. ``prompt``: the prompt's field. ``always``: inputs that every prediction gets, unless an
    option says otherwise. ``options``: JSON Schema properties of the inputs a caller may set; what
    stands in neither is never sent. ``output``: one URI or a list. ``price``: of one output;
    ``usd_per_second``: where Replicate charges the time of its hardware instead. The rest as in
    ``ModelCard``.
    """

    id: str
    name: str
    source: str
    checked: str
    picture: PictureInput
    summary: str = ""
    version: str = "1"
    official: bool = True
    model_version: str = ""
    prompt: str = "prompt"
    prompt_limit: int = 0
    seed: SeedInput | None = None
    ratio: RatioInput | None = None
    size: SizeInput | None = None
    always: dict[str, Any] = {}
    options: dict[str, dict[str, Any]] = {}
    output: Literal["one", "list"] = "one"
    output_formats: tuple[str, ...] = ("image/png",)
    output_hosts: tuple[str, ...] = DELIVERY_HOSTS
    price: Price = Price()
    usd_per_second: float = 0.0
    time_limit_s: float = 300.0
    usual_s: float = 0.0
    in_flight: int = 10_000
    lane: str = "default"
    sizes: Sizes = Sizes()
    canvas: Canvas = Canvas()

    @property
    def honours(self) -> frozenset[str]:
        """A seed only where the model has one; wished pieces are put into the prompt."""
        return frozenset({"prompt", "furniture"} | ({"seed"} if self.seed else set()))

    def model_card(self, *hosts: str) -> ModelCard:
        """The card that the core goes by. ``hosts``: more that outputs may be fetched from."""
        return ModelCard(
            id=self.id,
            name=self.name,
            summary=self.summary,
            version=self.version,
            provider="replicate",
            honours=self.honours,
            sizes=self.sizes,
            output_formats=self.output_formats,
            price=self.price,
            time_limit_s=self.time_limit_s,
            usual_s=self.usual_s,
            in_flight=self.in_flight,
            lane=self.lane,
            output_hosts=(*self.output_hosts, *hosts),
            canvas=self.canvas,
            prompt_limit=self.prompt_limit,
            options={"type": "object", "properties": self.options} if self.options else {},
            source=self.source,
            checked=self.checked,
        )


def read_card(path: Path) -> ReplicateCard:
    """The card in a TOML file; ``SettingError`` says what is wrong with it."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=ReplicateCard)
    except OSError as error:
        raise SettingError(f"The card {path} cannot be read: {error.strerror}.") from error
    except msgspec.MsgspecError as error:
        raise SettingError(
            f"The card {path} is not valid: {error}.",
            remedy="Compare it with one that `staging models show MODEL --toml` prints.",
        ) from error
    except ValueError as error:
        raise SettingError(f"The card {path} is not TOML: {error}.") from error
