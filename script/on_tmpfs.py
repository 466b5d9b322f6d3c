"""Run a command with its temporary files in memory: ``script/on_tmpfs.py pytest -n2``.

The tests commit all the time, and every commit to a file of SQLite waits for the disk. Here the
temporary folder (``TMPDIR``) is one in /dev/shm, where that is in memory and has room; elsewhere
the command runs as it would have. Tests lose nothing by it: they end processes, never the machine,
and what a process has written before it was killed the kernel keeps, in memory as on a disk.

The folder goes with the command, however that ends. One whose run was killed before it could clear
up goes with the next run.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder below it is ours alone
PREFIX = "staging-tests-"
ENOUGH_BYTES = 4 << 30
"""Less than a tenth is used; the rest is for what else the machine does."""


def main(command: list[str]) -> int:
    """Run the command; its exit code, 128 + N where signal N ended it."""
    if not has_room(SHARED_MEMORY):
        return run(command, dict(os.environ))
    with temporary_folder(SHARED_MEMORY) as (folder, lock):
        return run(command, {**os.environ, "TMPDIR": str(folder)}, lock)


def has_room(folder: Path) -> bool:
    """Whether the folder is in memory, programs may be run from it, and much of it is free."""
    try:
        options = mounted_tmpfs(folder)
        free = os.statvfs(folder)
        room = min(free.f_bavail * free.f_frsize, *free_memory())
    except (OSError, ValueError, AttributeError):  # not Linux, or one that tells less
        return False
    return options is not None and "noexec" not in options and room >= ENOUGH_BYTES


def mounted_tmpfs(folder: Path) -> list[str] | None:
    """The options of the tmpfs that is mounted there; ``None`` where none is."""
    found = None
    for line in Path("/proc/mounts").read_text().splitlines():
        _, place, kind, options, *_ = line.split()
        if place == str(folder):
            found = options.split(",") if kind == "tmpfs" else None  # the last one covers others
    return found


def free_memory() -> Iterator[int]:
    """Bytes that may still be used on this machine, and in this container where it has a limit."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) * 1024
    container = Path("/sys/fs/cgroup")
    if (container / "memory.max").exists():
        limit = (container / "memory.max").read_text().strip()
        if limit != "max":
            yield int(limit) - int((container / "memory.current").read_text())


@contextmanager
def temporary_folder(parent: Path) -> Iterator[tuple[Path, int]]:
    """A new folder that goes with the block, and the descriptor whose lock says it is in use.

    The lock is held until every process that inherited the descriptor has ended.
    """
    with locked(parent):  # no folder is swept between its making and its lock
        sweep(parent)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        folder.chmod(0o711)  # PostgreSQL runs under another account where the tests run as root
        lock = open_folder(folder)
        take(lock)
    try:
        yield folder, lock
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep(parent: Path) -> None:
    """Remove our own folders that no run uses any more."""
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            lock = open_folder(folder)
        except OSError:  # a link, a file, another user's, or gone by now
            continue
        if os.fstat(lock).st_uid == os.getuid() and take(lock):
            shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One run at a time makes and sweeps."""
    import fcntl

    descriptor = open_folder(folder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def open_folder(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


def take(descriptor: int) -> bool:
    """Lock it for as long as it is open; ``False`` where somebody else has."""
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def run(command: list[str], environment: dict[str, str], *inherited: int) -> int:
    """Run the command to its end, also when we are asked to end: it clears up, then do we."""
    process = subprocess.Popen(command, env=environment, pass_fds=inherited)  # noqa: S603
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal has told the command too
    signal.signal(signal.SIGTERM, lambda number, _: process.send_signal(number))
    code = process.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
