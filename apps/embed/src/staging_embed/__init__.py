"""staging-core over HTTP, for any ASGI host to mount. It holds no rule about jobs or pictures."""

from __future__ import annotations

from .app import staging_app

__all__ = ["staging_app"]
