"""Writes the disclosure statement on the labelled copy of a staged picture."""

from __future__ import annotations

from staging_core.hookspecs import hookimpl
from staging_core.models import Job, Picture


@hookimpl
def staging_label(job: Job, picture: Picture, statement: str) -> Picture:
    """The copy with the statement at its bottom left. Drawing is imported when it is needed."""
    from staging_watermark.label import labelled

    return labelled(picture, statement)
