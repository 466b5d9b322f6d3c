"""``script/on_tmpfs.py``: temporary files in memory, and none of them left there."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[1] / "script"
SHOW = "import tempfile; print(tempfile.gettempdir(), flush=True)"
SHOW_AND_WAIT = f"{SHOW}; input()"
IN_A_FOLDER_OF_OURS = """
import sys
import tempfile
from pathlib import Path
import on_tmpfs
on_tmpfs.SHARED_MEMORY = Path(sys.argv[1])
on_tmpfs.has_room = lambda folder: True
sys.exit(on_tmpfs.main([sys.executable, "-c", sys.argv[2]]))
"""


class Run:
    """The script with a command, and the temporary folder that the command was given."""

    def __init__(self, memory: Path, command: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", IN_A_FOLDER_OF_OURS, str(memory), command],
            cwd=SCRIPTS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.folder = Path(self.process.stdout.readline().strip())

    def go_on(self) -> int:
        """The exit code, once a command that waits was told to go on."""
        self.process.communicate("\n")
        return self.process.returncode


@pytest.mark.parametrize("code", [0, 3])
def test_the_folder_goes_with_the_command_whose_exit_code_it_is(tmp_path: Path, code: int) -> None:
    run = Run(tmp_path, f"{SHOW}; open(tempfile.mkdtemp() + '/f', 'w'); raise SystemExit({code})")
    assert run.go_on() == code
    assert run.folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_is_told_to_end_lets_its_command_clear_up_first(tmp_path: Path) -> None:
    tidy = "import signal; signal.signal(signal.SIGTERM, lambda *_: exit(7))"
    run = Run(tmp_path, f"{tidy}; {SHOW}; signal.pause()")
    run.process.send_signal(signal.SIGTERM)
    assert run.go_on() == 7
    assert list(tmp_path.iterdir()) == []


def test_the_next_run_removes_what_a_killed_one_left_once_nothing_uses_it(tmp_path: Path) -> None:
    killed = Run(tmp_path, SHOW_AND_WAIT)
    killed.process.kill()
    killed.process.wait()
    Run(tmp_path, SHOW).go_on()
    assert killed.folder.is_dir(), "its command is still at work"

    killed.go_on()
    Run(tmp_path, SHOW).go_on()
    assert list(tmp_path.iterdir()) == []


def test_what_others_made_there_stays(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "kept").mkdir(parents=True)
    memory = tmp_path / "memory"
    (memory / "somebody's").mkdir(parents=True)
    (memory / "staging-tests-link").symlink_to(elsewhere)
    Run(memory, SHOW).go_on()
    assert {path.name for path in memory.iterdir()} == {"somebody's", "staging-tests-link"}
    assert (elsewhere / "kept").is_dir()


def test_a_folder_on_disk_is_not_in_memory_and_everything_stays_as_it_is(tmp_path: Path) -> None:
    asked = (
        "import sys, on_tmpfs; on_tmpfs.SHARED_MEMORY = on_tmpfs.Path(sys.argv[1]);"
        "sys.exit(on_tmpfs.main([sys.executable, '-c', sys.argv[2]]))"
    )
    told = subprocess.run(
        [sys.executable, "-c", asked, str(tmp_path), SHOW],
        cwd=SCRIPTS,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == tempfile.gettempdir()
