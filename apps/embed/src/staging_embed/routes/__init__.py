"""Every route there is, by group, in the order of the documentation."""

from __future__ import annotations

from staging_embed.routing import Routes

from .callbacks import callbacks
from .health import health

GROUPS: dict[str, Routes] = {routes.group: routes for routes in (health, callbacks)}

LEFT_OUT = frozenset[str]()
"""A host has its own of these, so they are served only where it asks for them."""
