"""Where the Redis is, read from the queue's URL."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from staging_core.errors import SettingError
from staging_core.urls import BackendURL

_OPTIONS = {"redis": ("prefix", "reclaim_s"), "rediss": ("prefix", "reclaim_s", "ca_file")}
_PREFIX = re.compile(r"[\w.:-]{1,60}", re.ASCII)
_DATABASE = re.compile(r"(/\d{0,4})?", re.ASCII)
_CONNECT_S = 1.0
_ANSWER_S = 2.5


class RedisAddress:
    """A checked URL of a queue. ``str`` shows no password; ``url`` does, for the driver only.

    ``prefix``: begins every key, so that installations may share a Redis. ``reclaim_s``: seconds
    of silence after which a consumer's wakes are handed to another.
    """

    def __init__(self, url: BackendURL) -> None:
        self._shown = str(url)
        self.url = _without_options(url)
        self.prefix = _prefix(url)
        self.reclaim_s = _reclaim_s(url)
        self._ca_file = url.options.get("ca_file")

    def __str__(self) -> str:
        return self._shown

    def connection(self) -> dict[str, Any]:
        """How connections are made: every wait is bounded, a stale connection is renewed once."""
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        options: dict[str, Any] = {
            "socket_connect_timeout": _CONNECT_S,
            "socket_timeout": _ANSWER_S,
            "retry": Retry(NoBackoff(), 1),
            "protocol": 2,
        }
        return options | ({"ssl_ca_certs": self._ca_file} if self._ca_file else {})


def _without_options(url: BackendURL) -> str:
    unknown = sorted(set(url.options) - set(_OPTIONS[url.scheme]))
    if unknown:
        raise SettingError(
            f"{url.scheme}: has no option {unknown[0]!r}.",
            remedy=f"Its options: {', '.join(_OPTIONS[url.scheme])}.",
        )
    rest = url.raw.partition(":")[2].partition("?")[0]
    plain = f"{url.scheme}:{rest}"
    try:
        parts = urlsplit(plain)
        sound = bool(parts.hostname) and parts.port != 0 and _DATABASE.fullmatch(parts.path)
    except ValueError:
        sound = None
    if not sound or "#" in rest:
        raise SettingError(
            f"{url} names no Redis server and database.",
            remedy=f"Write it as {url.scheme}://host:6379/0, with user:password@ before the host.",
        )
    return plain


def _prefix(url: BackendURL) -> str:
    prefix = url.options.get("prefix", "staging")
    if not _PREFIX.fullmatch(prefix):
        raise SettingError(
            f"{url}: this is no `prefix`.",
            remedy="Give 1 to 60 letters, digits or ._:- without spaces.",
        )
    return prefix


def _reclaim_s(url: BackendURL) -> float:
    text = url.options.get("reclaim_s", "15")
    seconds = float(text) if re.fullmatch(r"\d{1,5}(\.\d{1,3})?", text, re.ASCII) else 0.0
    if not 0.1 <= seconds <= 3600:
        raise SettingError(
            f"{url}: `reclaim_s` is a number of seconds.", remedy="Give one from 0.1 to 3600."
        )
    return seconds
