"""The address under which this application is reached, as far as a request tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from staging_core import Settings

from .identity import headers_of


def base_of(settings: Settings, scope: Mapping[str, Any]) -> str:
    """``https://HOST/MOUNT`` without a slash: the setting ``public_url``, else as it was asked."""
    if settings.public_url is not None:
        return settings.public_url
    host = headers_of(scope).get("host") or "localhost"
    mount = str(scope.get("root_path", "")).rstrip("/")
    return f"{scope.get('scheme', 'http')}://{host}{mount}"
