"""``staging --help`` costs little: it imports what it needs and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from staging_core.cli.main import run
code = run(sys.argv[1:])
print(code, *sorted({name.partition(".")[0] for name in sys.modules}))
"""
LIGHT = {"click", "msgspec", "pluggy", "staging_core", "typing_extensions"}


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("stage", "--help")], ids=str)
def test_help_loads_only_click_msgspec_and_pluggy(words: tuple[str, ...], folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words], capture_output=True, text=True, check=True
    )
    code, *modules = done.stdout.splitlines()[-1].split()
    assert code == "0"
    loaded = set(modules) - sys.stdlib_module_names - {"__main__", "__mp_main__"}
    # What the interpreter loads by itself (.pth files) is not our doing.
    bare = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded - set(bare.stdout.split()) <= LIGHT


def test_a_plugin_is_not_imported_for_help(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "broken_plugin.py").write_text("raise SystemExit('imported')")
    info = folder / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[staging]\nbroken = broken_plugin\n")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.delenv("STAGING_PLUGINS")
    command = [sys.executable, "-m", "staging_core"]
    assert subprocess.run([*command, "--help"], capture_output=True, check=False).returncode == 0
    named = subprocess.run([*command, "plugins", "--json"], capture_output=True, check=False)
    assert named.returncode == 2
    assert b"broken" in named.stdout
