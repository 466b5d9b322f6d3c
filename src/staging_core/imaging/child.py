"""A decoding process: ``python -m staging_core.imaging.child BYTES``, a job per message on stdin.

It runs with as few rights as a process can give up by itself: an empty environment, a limit on
memory and computing time, no files written, no core dumps. Weak spots: the limits are POSIX's (on
Windows only the caller's time limit holds), and it could still open sockets; run the worker in a
container without a network of its own where that matters.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import BinaryIO

import msgspec

from staging_core.errors import PictureTooLarge, StagingError

from .protocol import PREFIX, Answer, Job, Rejected, write
from .work import work


def main() -> None:
    """Serve jobs until stdin ends."""
    commands, answers = _own_pipes()
    _limit("RLIMIT_AS", int(sys.argv[1]))
    _limit("RLIMIT_FSIZE", 0)
    _limit("RLIMIT_CORE", 0)
    while prefix := commands.read(PREFIX.size):
        message, first, second = PREFIX.unpack(prefix)
        body = commands.read(message)
        parts = _answer(body, commands.read(first), commands.read(second))
        for part in parts:
            answers.write(part)
        answers.flush()


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Both pipes; what libraries print from now on goes nowhere instead of among the answers."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    return sys.stdin.buffer, answers


def _answer(body: bytes, first: bytes, second: bytes) -> list[bytes]:
    try:
        job: Job = msgspec.msgpack.decode(body, type=Job)
        _limit("RLIMIT_CPU", _computed() + job.cpu_s)
        done, picture = work(job, first, second)
        return write(done, picture)
    except StagingError as error:
        return write(_rejected(error))
    except MemoryError:
        return write(
            _rejected(PictureTooLarge("The picture needs more memory than decoding may use."))
        )
    except Exception as error:
        # The process serves on; its caller gets the kind of failure, never a traceback.
        return write(_rejected(StagingError(f"Decoding failed with {type(error).__name__}.")))


def _rejected(error: StagingError) -> Answer:
    return Rejected(error.code, error.message, error.remedy)


def _computed() -> int:
    """Seconds of processor time that this process has had, rounded up."""
    times = os.times()
    return int(times.user + times.system) + 1


def _limit(name: str, most: int) -> None:
    """Set a soft limit of the operating system where it has one."""
    with suppress(ImportError, AttributeError, ValueError, OSError):
        import resource

        kind = getattr(resource, name)
        resource.setrlimit(kind, (most, resource.getrlimit(kind)[1]))


if __name__ == "__main__":
    main()
