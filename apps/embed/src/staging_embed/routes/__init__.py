"""Every route there is, by group, in the order of the documentation."""

from __future__ import annotations

from staging_embed.routing import Routes

from .account import account
from .admin import admin
from .callbacks import callbacks
from .catalog import catalog
from .documentation import documentation
from .events import events
from .groups import groups
from .health import health
from .images import images
from .jobs import jobs
from .keys import keys
from .me import me
from .objects import objects
from .payment_reports import billing
from .pictures import pictures
from .profile import profile
from .projects import projects
from .uploads import uploads
from .webhooks import webhooks

_ALL = (
    projects,
    uploads,
    images,
    groups,
    jobs,
    pictures,
    events,
    catalog,
    me,
    profile,
    keys,
    webhooks,
    account,
    billing,
    admin,
    objects,
    callbacks,
    health,
    documentation,
)

GROUPS: dict[str, Routes] = {routes.group: routes for routes in _ALL}

LEFT_OUT = frozenset({"account", "admin", "billing", "documentation", "keys", "profile"})
"""A host has its own of these, so they are served only where it asks for them."""
