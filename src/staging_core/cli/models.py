"""``staging models``: which models there are, and whether their cards are still right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import options
from .answer import say_json, say_line, say_table
from .running import run

if TYPE_CHECKING:
    from staging_core.models import ModelCard
    from staging_core.registry import Registry

EXAMPLES = """\b
Examples:
  staging models list
  staging models show qwen/qwen-image-edit
  staging models show qwen/qwen-image-edit --toml > mine.toml
  staging models verify qwen/qwen-image-edit
  staging models verify --card mine.toml
"""


@click.group(epilog=EXAMPLES)
def command() -> None:
    """List the models, show their cards, hold them against what is published."""


@command.command("list", epilog="\b\nExamples:\n  staging models list --json\n")
@options.as_json
def list_(as_json: bool) -> None:
    """List every model that has a card here."""
    cards = _registry().cards()
    if as_json:
        say_json({"models": [{"url": _url(scheme, card), "card": card} for scheme, card in cards]})
        return
    rows = [(_url(scheme, card), _price(card), card.summary) for scheme, card in cards]
    say_table(("stager", "$ each", ""), rows)


@command.command(
    epilog="\b\nExamples:\n  staging models show qwen/qwen-image-edit --toml > mine.toml\n"
)
@click.argument("model")
@click.option(
    "--toml", "as_toml", is_flag=True, help="Its card as a file, to begin one's own with."
)
@options.as_json
def show(model: str, as_toml: bool, as_json: bool) -> None:
    """Show a model's card."""
    scheme, card = _find(model)
    if as_toml:
        say_line(_toml(scheme, card.id))
    elif as_json:
        say_json({"url": _url(scheme, card), "card": card})
    else:
        say_table(("field", ""), [("stager", _url(scheme, card)), *_fields(card)])


@command.command(
    epilog="\b\nExamples:\n"
    "  staging models verify qwen/qwen-image-edit\n"
    "  staging models verify --card mine.toml\n"
)
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--card", "paths", multiple=True, help="A card of one's own; may be repeated.")
@options.as_json
@click.pass_context
def verify(
    context: click.Context, models: tuple[str, ...], paths: tuple[str, ...], as_json: bool
) -> None:
    """Compare cards with the schemas that Replicate publishes; all of ours without a MODEL.

    Needs REPLICATE_API_TOKEN. Exit code 1 when something differs.
    """
    from .model_check import check_cards

    results = run(lambda: check_cards(_registry(), models, paths))
    if as_json:
        say_json({"models": results})
    else:
        for result in results:
            _say(result)
    if any(result.problem or result.differences for result in results):
        context.exit(1)


def _say(result: Any) -> None:
    version = f" (version {result.version[:12]})" if result.version else ""
    verdict = "differs" if result.differences else "as published"
    say_line(f"{result.model}: {result.problem or verdict}{version}")
    for difference in result.differences:
        say_line(f"  {difference.field} {difference.message}")


def _registry() -> Registry:
    from staging_core import Staging

    return Staging.from_env(worker=False).registry


def _find(model: str) -> tuple[str, ModelCard]:
    """The card of that id; ``UnknownModel`` names the nearest."""
    from staging_core.errors import UnknownModel
    from staging_core.nearest import nearest

    cards = {card.id: (scheme, card) for scheme, card in _registry().cards()}
    if model not in cards:
        raise UnknownModel(f"No model {model!r} has a card here.", remedy=nearest(model, cards))
    return cards[model]


def _toml(scheme: str, model: str) -> str:
    from staging_core.errors import Unsupported

    if scheme != "replicate":
        raise Unsupported(f"The card of {model} is code.", remedy="Leave --toml out.")
    from staging_core.backends.replicate.shelf import card_file

    return card_file(model).read_text("utf-8").rstrip()


def _url(scheme: str, card: ModelCard) -> str:
    return f"{scheme}:" if card.id == scheme else f"{scheme}:{card.id}"


def _price(card: ModelCard) -> str:
    more = " + MP" if card.price.usd_per_megapixel else ""
    return f"{card.price.usd:g}{more}"


def _fields(card: ModelCard) -> list[tuple[str, str]]:
    """The card's fields that say something, as JSON where they are more than a word."""
    import msgspec

    plain = {
        name: value
        for name, value in msgspec.to_builtins(card).items()
        if value not in ("", [], (), {})
    }
    return [
        (name, value if isinstance(value, str) else msgspec.json.encode(value).decode())
        for name, value in plain.items()
    ]
