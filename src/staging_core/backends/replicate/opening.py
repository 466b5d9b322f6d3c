"""Opening ``replicate:owner/name``: card, version, token; nothing is asked of Replicate yet."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import msgspec

from staging_core.errors import MissingSetting, SettingError
from staging_core.interfaces import OpenContext
from staging_core.urls import BackendURL, api_address

from .account import Account
from .card import ReplicateCard, read_card
from .reach import origin
from .shelf import card_of
from .stager import ReplicateStager

REPLICATE = "https://api.replicate.com"
_MODEL = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_OPTIONS = ("card", "usd", "version")
_VERSION = re.compile(r"[\w.:/-]{1,200}", re.ASCII)


@asynccontextmanager
async def open_replicate(url: BackendURL, context: OpenContext) -> AsyncIterator[ReplicateStager]:
    """A stager for the model that the URL names, until the context is left.

    Variables: ``REPLICATE_API_TOKEN``; ``REPLICATE_BASE_URL`` and ``REPLICATE_WEBHOOK_SECRET`` (one
    or several, with spaces or commas between) where they are set. Options: ``version`` of a
    community model, ``card``: the path of one's own card, ``usd``: the price of an output.
    """
    card = card_for(url)
    version = version_for(url, card)
    api = base_url(_optional(context, "REPLICATE_BASE_URL"))
    secrets = webhook_secrets(_optional(context, "REPLICATE_WEBHOOK_SECRET"))
    token = checked_token(context.secret("REPLICATE_API_TOKEN"))
    async with aclosing(Account(token, api=api)) as account:
        yield ReplicateStager(
            account,
            card,
            api=api,
            version=version,
            secrets=secrets,
            clock=context.clock,
            hosts=() if api == REPLICATE else (origin(api),),
        )


def card_for(url: BackendURL) -> ReplicateCard:
    """The card of the URL's model: the one that it names, else the shipped one."""
    for option in url.options:
        if option not in _OPTIONS:
            raise SettingError(
                f"replicate: has no option {option!r}.", remedy=f"It has {', '.join(_OPTIONS)}."
            )
    if not _MODEL.fullmatch(url.path):
        raise SettingError(
            f"replicate: needs a model, not {url.path!r}.",
            remedy="Write replicate:owner/name, for example replicate:qwen/qwen-image-edit.",
        )
    card = _card(url)
    if "usd" in url.options:
        price = msgspec.structs.replace(card.price, usd=_dollars(url.options["usd"]))
        card = msgspec.structs.replace(card, price=price)
    return card


def _card(url: BackendURL) -> ReplicateCard:
    if "card" not in url.options:
        return card_of(url.path)
    card = read_card(Path(url.options["card"]))
    if card.id != url.path:
        raise SettingError(
            f"The card {url.options['card']} is of {card.id!r}, not of {url.path!r}."
        )
    return card


def _dollars(text: str) -> float:
    try:
        usd = float(text)
    except ValueError:
        usd = -1.0
    if not 0 <= usd < 1000:
        raise SettingError(
            f"{text!r} is no price in US dollars.", remedy="Write ?usd=0.03, for example."
        )
    return usd


def version_for(url: BackendURL, card: ReplicateCard) -> str:
    """The version to run; empty for an official model, which runs without one."""
    version = url.options.get("version", card.model_version)
    if version and not _VERSION.fullmatch(version):
        raise SettingError(f"{version!r} is no version of a model at Replicate.")
    if not version and not card.official:
        raise SettingError(
            f"{card.id} is a community model, which needs a version.",
            remedy=f"Write replicate:{card.id}?version=ID; the model's page lists them.",
        )
    return version


def checked_token(text: str) -> str:
    """The token without white space around it; what no header can carry is refused, unshown."""
    token = text.strip()
    if not token or not all("!" <= character <= "~" for character in token):
        raise SettingError(
            "REPLICATE_API_TOKEN is no token.",
            remedy="Copy it from replicate.com/account/api-tokens.",
        )
    return token


def base_url(text: str) -> str:
    """Where Replicate is; over HTTPS, unless it is on this machine or network."""
    return api_address("REPLICATE_BASE_URL", text, REPLICATE)


def webhook_secrets(text: str) -> tuple[str, ...]:
    """The configured secrets of callbacks; none: Replicate is asked for it later."""
    secrets = tuple(text.replace(",", " ").split())
    if text and not (secrets and all(map(_is_secret, secrets))):
        raise SettingError(
            "REPLICATE_WEBHOOK_SECRET does not hold secrets of the form whsec_….",
            remedy="Copy it from GET /v1/webhooks/default/secret; separate several by a space.",
        )
    return secrets


def _is_secret(text: str) -> bool:
    prefix, _, key = text.partition("_")
    try:
        return prefix == "whsec" and len(base64.b64decode(key, validate=True)) >= 16
    except binascii.Error:
        return False


def _optional(context: OpenContext, name: str) -> str:
    try:
        return context.secret(name)
    except MissingSetting:
        return ""
