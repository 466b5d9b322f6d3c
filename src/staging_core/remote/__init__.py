"""An installation over HTTP, with the library's own methods: what ``Staging.connect`` opens."""

from __future__ import annotations

from .acting import Remote

__all__ = ["Remote"]
