"""What ``staging models verify`` asks Replicate."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from staging_core.errors import MissingExtra, MissingSetting

if TYPE_CHECKING:
    from staging_core.backends.replicate.account import Account
    from staging_core.backends.replicate.card import ReplicateCard
    from staging_core.backends.replicate.verify import Difference
    from staging_core.registry import Registry


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """One card held against its model. ``problem``: why that was not possible, else empty."""

    model: str
    version: str = ""
    problem: str = ""
    differences: tuple[Difference, ...] = ()


async def check_cards(
    registry: Registry, models: tuple[str, ...], paths: tuple[str, ...]
) -> list[Checked]:
    """The named cards and those in files; every shipped one when none is named."""
    from staging_core.backends.replicate.card import read_card
    from staging_core.backends.replicate.shelf import card_names, card_of

    named = models or (() if paths else tuple(card_names()))
    cards = [*map(card_of, named), *(read_card(Path(path)) for path in paths)]
    async with aclosing(_account(registry)) as account:
        return [await _checked(account, card) for card in cards]


def _account(registry: Registry) -> Account:
    token = registry.variable("REPLICATE_API_TOKEN")
    if not token:
        raise MissingSetting(
            "REPLICATE_API_TOKEN is not set.", remedy="Set REPLICATE_API_TOKEN in the environment."
        )
    try:
        from staging_core.backends.replicate.account import Account
        from staging_core.backends.replicate.opening import base_url, checked_token
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"replicate: needs the package {error.name!r}, which is not installed.",
            remedy="pip install 'staging-core[replicate]'.",
        ) from error
    return Account(
        checked_token(token), api=base_url(registry.variable("REPLICATE_BASE_URL") or "")
    )


async def _checked(account: Account, card: ReplicateCard) -> Checked:
    from staging_core.backends.replicate.refusal import FAILING, told
    from staging_core.backends.replicate.schema import published
    from staging_core.backends.replicate.verify import differences

    try:
        schema = published(await account.model(*card.id.split("/")))
    except FAILING as error:
        return Checked(model=card.id, problem=f"cannot be read: {told(error)}")
    if schema is None:
        return Checked(model=card.id, problem="publishes no schema")
    return Checked(
        model=card.id, version=schema.version, differences=tuple(differences(card, schema))
    )
