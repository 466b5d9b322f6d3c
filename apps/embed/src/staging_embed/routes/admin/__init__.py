"""What operators of the installation see and do; every act is in the audit log."""

from __future__ import annotations

from . import audit_log, images, jobs, models, settings, statistics
from .group import admin

__all__ = ["admin", "audit_log", "images", "jobs", "models", "settings", "statistics"]
