"""Every route there is, by group, in the order of the documentation."""

from __future__ import annotations

from staging_embed.routing import Routes

from .callbacks import callbacks
from .catalog import catalog
from .events import events
from .groups import groups
from .health import health
from .images import images
from .me import me

GROUPS: dict[str, Routes] = {
    routes.group: routes for routes in (images, groups, events, catalog, me, callbacks, health)
}

LEFT_OUT = frozenset[str]()
"""A host has its own of these, so they are served only where it asks for them."""
