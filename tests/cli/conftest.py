"""The command line in a folder of its own, with the fake stager and no plugins."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

from staging_core.cli.main import run

Cli = Callable[..., "Ran"]


class Ran(NamedTuple):
    """What a command left: its exit code, and both outputs."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        """The JSON objects on stdout, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def json(self) -> Any:
        """The one JSON object on stdout."""
        (only,) = self.lines
        return only


def photo(number: int = 0, size: tuple[int, int] = (96, 64)) -> bytes:
    """A noisy JPEG; another number gives another picture."""
    pixels = np.random.default_rng(number).integers(0, 255, (*size[::-1], 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


def picture(path: Path) -> Image.Image:
    """The picture in a file, which is closed again."""
    return Image.open(BytesIO(path.read_bytes()))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: two photos, a text file, and settings that need nothing."""
    for name in [name for name in os.environ if name.startswith("STAGING_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("STAGING_STAGER", "fake:")
    monkeypatch.setenv("STAGING_PLUGINS", "staging-core")
    monkeypatch.setenv("STAGING_BACKOFF_MAX_S", "0.05")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.jpg").write_bytes(photo(1))
    (tmp_path / "two.jpg").write_bytes(photo(2, (64, 96)))
    (tmp_path / "text.jpg").write_text("Dear all, please find the photo attached.")
    return tmp_path


@pytest.fixture
def cli(folder: Path, capfd: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command in this process."""

    def ran(*words: str) -> Ran:
        capfd.readouterr()
        code = run(words)
        return Ran(code, *capfd.readouterr())

    return ran


@pytest.fixture
def process(folder: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts a command as a process of its own."""

    def start(*words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "staging_core", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # As from a shell: Ctrl-C is heard.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
        )

    return start


def ended(started: subprocess.Popen[str]) -> Ran:
    """What the process left, once it has ended."""
    out, err = started.communicate(timeout=120)
    return Ran(started.returncode, out, err)
