"""Stages the bundled photo with the installed wheel; ``nox -s package`` runs it.

It must find everything it needs in the wheel and in the environment it runs in, no checkout in
sight: migrations, styles, the photo, the commands.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import staging_core

WISH: dict[str, Any] = {"room": "living_room", "style": "scandinavian", "seed": 7}


def main() -> None:
    """Once by the command line, once by the library: the same picture."""
    assert "site-packages" in str(staging_core.__file__), staging_core.__file__
    for name in [name for name in os.environ if name.startswith("STAGING_")]:
        del os.environ[name]
    photo = files("staging_core.cli.demo") / "empty_room.jpg"
    with as_file(photo) as original, tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        told = by_command_line(original)
        check_picture(told["outputs"][0], original)
        picture = staging_core.stage(original, **WISH)
        assert hashlib.sha256(picture.data).hexdigest() == told["outputs"][0]["sha256"]
    print(f"{told['model']}: {told['status']}, {len(told['report']['pieces'])} pieces")


def by_command_line(original: Path) -> dict[str, Any]:
    """What ``staging stage --json`` tells."""
    staging = str(Path(sys.executable).with_name("staging"))
    options = [word for name, value in WISH.items() for word in (f"--{name}", str(value))]
    command = [staging, "stage", str(original), *options, "-o", "staged.png", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def check_picture(output: dict[str, Any], original: Path) -> None:
    """As large as the photo, furnished, and for the most part the photo itself."""
    path = Path(output["path"])
    assert hashlib.sha256(path.read_bytes()).hexdigest() == output["sha256"]
    with Image.open(original) as before, Image.open(path) as after:
        assert after.size == before.size == (output["width"], output["height"])
        same = (np.asarray(before.convert("RGB")) == np.asarray(after.convert("RGB"))).all(axis=2)
    assert 0.4 < same.mean() < 0.98, f"{same.mean():.0%} of the pixels are the photo's own"


if __name__ == "__main__":
    main()
