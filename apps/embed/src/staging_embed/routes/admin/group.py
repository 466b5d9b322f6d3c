"""The group of operators' routes."""

from __future__ import annotations

from staging_embed.access import operator
from staging_embed.routing import Routes

admin = Routes("admin")
operators = operator("installation:operate")
