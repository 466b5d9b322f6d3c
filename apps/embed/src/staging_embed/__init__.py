"""staging-core over HTTP, for any ASGI host to mount. It holds no rule about jobs or pictures."""

from __future__ import annotations

from .app import StagingApp, staging_app
from .lifespan import staging_lifespan
from .litestar_plugin import StagingPlugin

__all__ = ["StagingApp", "StagingPlugin", "staging_app", "staging_lifespan"]
