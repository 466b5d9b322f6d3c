"""``python -m staging_core.cli`` is ``staging``."""

from __future__ import annotations

from .main import main

main()
