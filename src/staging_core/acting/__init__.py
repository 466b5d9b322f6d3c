"""Work done by one principal in one account, grouped by noun."""

from __future__ import annotations

from staging_core.serving import Kind

from .acting import Acting
from .images import Images
from .jobs import AttemptRecord, Jobs
from .projects import Projects
from .uploads import Uploads
from .webhooks import Webhooks

__all__ = ["Acting", "AttemptRecord", "Images", "Jobs", "Kind", "Projects", "Uploads", "Webhooks"]
