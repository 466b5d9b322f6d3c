"""What must be true of a Redis before it is used."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from staging_core.errors import SettingError

from .address import RedisAddress
from .connection import UNREACHABLE

_log = logging.getLogger(__name__)
_OLDEST = (6, 2)
_WITHIN_S = 2.0


async def check_server(redis: Redis, address: RedisAddress) -> None:
    """``SettingError`` for a Redis that turns us away, is a cluster or is too old.

    One that cannot be reached is no error: the queue only nudges, and it may come back.
    """
    try:
        async with asyncio.timeout(_WITHIN_S):
            facts = await redis.info("server")
    except NoPermissionError:
        return
    except (AuthenticationError, ResponseError) as error:
        raise SettingError(
            f"The Redis of {address} turns us away: {error}.",
            remedy="Correct the user, the password or the database in the setting `queue`.",
        ) from error
    except UNREACHABLE as error:
        _log.warning("The Redis of %s is away: %s", address, type(error).__name__)
        return
    _check(facts, address)


def _check(facts: dict[str, Any], address: RedisAddress) -> None:
    if facts.get("redis_mode") == "cluster":
        raise SettingError(
            f"The Redis of {address} is a cluster, which is not supported.",
            remedy="Name a single Redis (with a replica, if you like) in the setting `queue`.",
        )
    version = tuple(int(part) for part in str(facts.get("redis_version", "")).split(".")[:2])
    if version < _OLDEST:
        raise SettingError(
            f"The Redis of {address} is {facts.get('redis_version')}.",
            remedy="Use Redis 6.2 or newer, or Valkey.",
        )
