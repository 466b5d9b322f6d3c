"""What storages and the database answer when they fail."""

from __future__ import annotations

from .base import StagingError


class DatabaseFailed(StagingError):
    """The database could not do what was asked; nothing was changed."""

    code = "database_failed"
    status = 503
    remedy_hint = "Remove what the message names (a full disk, a lock, an outage), then try again."
    retry_after_s = 2.0


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
    remedy_hint = "Ask for it again; what is there now is another one."


class StorageFull(StorageError):
    """There is no room left for the object; nothing was kept."""

    code = "storage_full"
    status = 507
    remedy_hint = "Free some space, then try again."


class InvalidKey(StorageError):
    """A storage key is 1 to 512 characters of letters, digits, ``._-`` and single slashes."""

    code = "key_invalid"
    status = 422


class ObjectExists(StorageError):
    """There is an object under that key already; it was left as it is."""

    code = "object_exists"
    status = 409
    remedy_hint = "Use it as it is, or give another file a key or an address of its own."


class BucketMissing(StorageError):
    """There is no bucket of that name."""

    code = "bucket_missing"
    remedy_hint = "Create the bucket, or correct its name in the setting `storage`."


class StorageDenied(StorageError):
    """The storage does not accept the credentials, or does not allow that to them."""

    code = "storage_denied"
    remedy_hint = "Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN."


class ClockSkewed(StorageError):
    """This machine's clock is too far from the storage's, so no signature of ours is valid."""

    code = "clock_skewed"
    remedy_hint = "Let this machine take its time from the network (NTP)."


class StorageUnreachable(StorageError):
    """The storage did not answer."""

    code = "storage_unreachable"
    remedy_hint = "Check the network and the URL's option `endpoint_url`; a short outage passes."
