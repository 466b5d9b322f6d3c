"""Rate limits that processes share: a counter per key, which ends with its window."""

from __future__ import annotations

from redis.asyncio import Redis

from staging_core.models import Allowance

from .lanes import Keys

# KEYS: counter. ARGV: window in milliseconds, limit. Uses beyond the limit are not counted.
_TAKE = """
local used = tonumber(redis.call('GET', KEYS[1]) or '0')
local left = redis.call('PTTL', KEYS[1])
local allowed = used < tonumber(ARGV[2])
if allowed then used = redis.call('INCR', KEYS[1]) end
if left < 0 then
    left = tonumber(ARGV[1])
    if allowed then redis.call('PEXPIRE', KEYS[1], left) end
end
return {allowed and 1 or 0, used, left}
"""


class Rates:
    """Counts uses in Redis, in one step each, by Redis's clock."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._keys = keys
        self._take = redis.register_script(_TAKE)

    async def take(self, key: str, *, limit: int, window_s: float) -> Allowance:
        """See ``LimitsRates.take``."""
        window_ms = max(1, round(window_s * 1000))
        allowed, used, left_ms = await self._take(
            keys=[self._keys.rate(key)], args=[window_ms, limit]
        )
        return Allowance(
            allowed=bool(allowed), remaining=max(0, limit - used), reset_s=left_ms / 1000
        )
