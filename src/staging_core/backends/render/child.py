"""The rendering process: ``python -m staging_core.backends.render.child``, orders on stdin.

It answers each order with its progress and then the picture, or with why there is none, and
ends with its stdin, so that it never outlives the worker for long.
"""

from __future__ import annotations

import os
import sys
from typing import BinaryIO

import msgspec

from staging_core.errors import RoomNotUnderstood, StagingError

from .protocol import PREFIX, Declined, Heard, Order, Word, parts
from .work import stage


def main() -> None:
    """Serve orders until stdin ends."""
    orders, answers = _own_pipes()
    while prefix := orders.read(PREFIX.size):
        length, size = PREFIX.unpack(prefix)
        body, photo = orders.read(length), orders.read(size)
        word, picture = _answer(msgspec.msgpack.decode(body, type=Order), photo, answers)
        _send(answers, word, picture)


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Both pipes; what libraries print goes nowhere instead of among the answers."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    return sys.stdin.buffer, answers


def _answer(order: Order, photo: bytes, answers: BinaryIO) -> tuple[Word, bytes]:
    def told(share: float, phase: str) -> None:
        _send(answers, Heard(share, phase))

    try:
        return stage(order, photo, told)
    except RoomNotUnderstood as error:
        return Declined(error.code, error.message), error.overlay_png or b""
    except StagingError as error:
        return Declined(error.code, error.message), b""
    except MemoryError:
        return Declined("refused", "The photo needs more memory than there is."), b""
    except Exception as error:
        # The process serves on; the worker learns the kind of failure, never a traceback.
        return Declined("attempt_failed", f"Rendering failed with {type(error).__name__}."), b""


def _send(answers: BinaryIO, word: Word, picture: bytes = b"") -> None:
    answers.writelines(parts(word, picture))
    answers.flush()


if __name__ == "__main__":
    main()
