"""The reference service: the HTTP API of ``staging-embed``, run with a worker."""

from __future__ import annotations

from .app import create_app

__all__ = ["create_app"]
