"""How JSON columns are read and written, on every database alike."""

from __future__ import annotations

from typing import Any

import msgspec


def _encode(value: Any) -> str:
    return msgspec.json.encode(value).decode()


JSON_OPTIONS: dict[str, Any] = {
    "json_serializer": _encode,
    "json_deserializer": msgspec.json.decode,
}
"""For ``create_async_engine``."""
