"""``python -m staging_core`` is ``staging``."""

from __future__ import annotations

from staging_core.cli.main import main

if __name__ == "__main__":
    main()
