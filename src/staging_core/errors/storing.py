"""What storages and the database answer when they fail."""

from __future__ import annotations

from .base import StagingError


class DatabaseFailed(StagingError):
    """The database could not do what was asked; nothing was changed."""

    code = "database_failed"
    status = 503
    remedy_hint = "Remove what the message names (a full disk, a lock, an outage), then try again."


class StorageError(StagingError):
    """The storage could not do what was asked."""

    code = "storage_failed"
    status = 503


class ObjectMissing(StorageError):
    """There is no object under that key."""

    code = "object_missing"
    status = 404


class ObjectChanged(StorageError):
    """The object is not the one that was asked for: its etag differs."""

    code = "object_changed"
    status = 409


class StorageFull(StorageError):
    """There is no room left for the object; nothing was kept."""

    code = "storage_full"
    status = 507
    remedy_hint = "Free some space, then try again."


class InvalidKey(StorageError):
    """A storage key is 1 to 512 characters of letters, digits, ``._-`` and single slashes."""

    code = "key_invalid"
    status = 422
