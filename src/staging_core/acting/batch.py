"""Several orders in one call: each is accepted whole, or refused and leaves nothing behind."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from staging_core.creation import creating
from staging_core.errors import StagingError, ValidationFailed
from staging_core.models import Group
from staging_core.ports import Ports

log = logging.getLogger("staging_core")

MOST = 50
_LEASE_S = 300.0
_PHOTO = ("photo", "upload_id", "original_url")
_WISH = ("room", "style", "variants", "seed", "prompt", "furniture", "model", "options")
_NAMES = frozenset((*_PHOTO, *_WISH, "project_id"))


async def submit_many(
    ports: Ports,
    account_id: str,
    wishes: object,
    *,
    key: str | None,
    submit: Callable[..., Awaitable[Group]],
) -> list[Group | StagingError]:
    """Submit each. Under ``key`` each has one of its own, made of it and the wish's place.

    So a repeat, also one after a crash, finds what was accepted; the key itself only says that it
    is a repeat, and not another batch. A wish that was refused when it was read stands there as the
    error that it was refused with.
    """
    checked = checked_wishes(wishes)
    asked = None if key is None else [_plain(wish) for wish in checked]
    async with creating(
        ports, account_id, key, route="images.submit_many", asked=asked, lease_s=_LEASE_S
    ) as creation:
        outcomes = [
            await _outcome(wish, _key_of(key, place), submit) for place, wish in enumerate(checked)
        ]
        if creation.is_open:
            async with ports.database.write(account_id) as tx:
                await creation.keep(tx, [])
    return outcomes


def checked_wishes(wishes: object) -> list[Any] | tuple[Any, ...]:
    """The wishes of a batch; ``ValidationFailed`` for what is no list of 1 to 50."""
    if not isinstance(wishes, (list, tuple)):
        raise ValidationFailed(fields={"images": "is a list of wishes."})
    if not 1 <= len(wishes) <= MOST:
        raise ValidationFailed(fields={"images": f"has 1 to {MOST} wishes, not {len(wishes)}."})
    return wishes


async def _outcome(
    wish: Any, key: str | None, submit: Callable[..., Awaitable[Group]]
) -> Group | StagingError:
    if isinstance(wish, StagingError):
        return wish
    if not is_wish(wish):
        told = f"A wish names {', '.join(sorted(_NAMES))} and nothing else."
        return ValidationFailed(told, fields={"images": told})
    try:
        return await submit(**wish, idempotency_key=key)
    except StagingError as error:
        return error
    except Exception:
        # A bug met by one of them takes nothing from the others; what it was is for the log.
        log.exception("an order of a batch failed")
        return StagingError()


def is_wish(wish: object) -> bool:
    """Whether it names keywords of ``submit`` that one of several may have, and nothing else."""
    return isinstance(wish, Mapping) and wish.keys() <= _NAMES


def _key_of(key: str | None, place: int) -> str | None:
    return None if key is None else hashlib.sha256(f"{place} {key}".encode()).hexdigest()


def _plain(wish: object) -> object:
    """A wish as JSON takes it; a photo by its digest."""
    if not isinstance(wish, Mapping):
        return repr(wish)
    return {str(name): _value(value) for name, value in wish.items()}


def _value(value: object) -> object:
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    return value if isinstance(value, (int, float, str, list, tuple, dict)) else repr(value)
