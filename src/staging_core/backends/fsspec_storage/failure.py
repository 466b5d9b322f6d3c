"""The driver's errors in our words."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from staging_core.errors import StorageError, StorageFull

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def explained(subject: str) -> Iterator[None]:
    """Turn what a driver raises into ``StorageFull`` or a ``StorageError`` that names ``subject``.

    Drivers of remote stores raise errors of their own kinds, so every ``Exception`` is meant.
    """
    try:
        yield
    except StorageError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            raise StorageFull(f"There is no room left for {subject}.") from error
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise StorageError(
            f"The storage failed at {subject}: {reason}.",
            remedy="Check that the storage is reachable and that this user may write it.",
        ) from error
