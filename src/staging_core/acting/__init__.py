"""Work done by one principal in one account, grouped by noun."""

from __future__ import annotations

from .acting import Acting
from .images import Images, Kind
from .jobs import AttemptRecord, Jobs
from .projects import Projects

__all__ = ["Acting", "AttemptRecord", "Images", "Jobs", "Kind", "Projects"]
