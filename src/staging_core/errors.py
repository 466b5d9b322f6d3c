"""Every error a caller can meet: a stable code, an HTTP status, and what to do about it.

An error is also a verb for the worker: ``Refused`` (never again), ``Busy`` (later, the attempt does
not count), ``OutcomeUnknown`` (find out first), ``Retryable`` (again, a new attempt), ``Moderated``
(the model's safety filter said no). Whatever a driver raised stays as ``__cause__``.
"""

from __future__ import annotations

from typing import ClassVar


class StagingError(Exception):
    """Something went wrong inside staging-core itself; please report it."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    remedy_hint: ClassVar[str] = "Run `staging doctor`; if it finds nothing, report this message."

    def __init__(self, message: str = "", *, remedy: str | None = None) -> None:
        self.message = message or _first_sentence(type(self))
        self.remedy = remedy or self.remedy_hint
        super().__init__(self.message)


def _first_sentence(kind: type[StagingError]) -> str:
    return (kind.__doc__ or kind.__name__).strip().splitlines()[0]


# --- what a caller handed in -------------------------------------------------------------------


class BadInput(StagingError):
    """The request cannot be understood as it stands."""

    code = "bad_request"
    status = 422
    remedy_hint = "Correct the request; the message names the part that is wrong."


class UnknownRoom(BadInput):
    """There is no such room type."""

    code = "unknown_room"
    remedy_hint = "Use one of the room types that the catalog lists."


class UnknownStyle(BadInput):
    """There is no such style."""

    code = "unknown_style"
    remedy_hint = "Use one of the styles that the catalog lists."


class UnknownModel(BadInput):
    """No open stager has that name."""

    code = "unknown_model"
    remedy_hint = "Choose one of the stagers named in the setting `stager`."


class NotHonoured(BadInput):
    """The chosen model cannot honour a part of the request."""

    code = "not_honoured"
    remedy_hint = "Leave that part out, or choose a model whose card lists it."


class InvalidIdempotencyKey(BadInput):
    """An idempotency key is 1 to 255 visible ASCII characters."""

    code = "idempotency_key_invalid"
    remedy_hint = "Send a UUID, or leave the key out."


class IdempotencyMismatch(BadInput):
    """This idempotency key was used before with another request."""

    code = "idempotency_mismatch"
    status = 409
    remedy_hint = "Use a fresh key for a new request."


class BadPicture(BadInput):
    """The file is not a picture that can be staged."""

    code = "picture_unreadable"
    remedy_hint = "Send a JPEG, PNG, WebP, AVIF, TIFF or HEIC photo straight from the camera."


class PictureEmpty(BadPicture):
    """The file is empty."""

    code = "picture_empty"


class PictureTruncated(BadPicture):
    """The picture ends before its last row."""

    code = "picture_truncated"
    remedy_hint = "Copy or upload the file again; a part of it is missing."


class PictureUnsupported(BadPicture):
    """The file is of a kind that staging does not read."""

    code = "picture_unsupported"


class PictureAnimated(BadPicture):
    """The picture has more than one frame."""

    code = "picture_animated"
    remedy_hint = "Send a single photo."


class PictureTooLarge(BadPicture):
    """The file or the picture is larger than the limits allow."""

    code = "picture_too_large"
    status = 413
    remedy_hint = "Send at most 25 MiB, 50 megapixels, 12,000 pixels a side (or as set here)."


class FileMissing(BadInput):
    """There is no file at that path."""

    code = "file_missing"
    remedy_hint = "Check the path."


class FileUnreadable(BadInput):
    """The path exists, but cannot be read as a file."""

    code = "file_unreadable"
    remedy_hint = "Name a regular file that this user may read."


# --- settings, plugins, backends ---------------------------------------------------------------


class SettingError(StagingError):
    """A setting is missing or wrong; nothing was opened."""

    code = "setting_invalid"
    remedy_hint = "Correct the setting that the message names."


class MissingSetting(SettingError):
    """A variable that this installation needs is not set."""

    code = "setting_missing"


class UnknownScheme(SettingError):
    """No backend answers to that URL scheme."""

    code = "unknown_scheme"
    remedy_hint = "Run `staging backends` for the schemes that are installed."


class MissingExtra(SettingError):
    """The backend needs a package that is not installed."""

    code = "extra_missing"


class HomeUnwritable(SettingError):
    """The home folder cannot be written."""

    code = "home_unwritable"
    remedy_hint = "Set STAGING_HOME to a folder that this user may write."


class SchemaOutdated(SettingError):
    """The database's schema is not the one this version needs."""

    code = "schema_outdated"
    remedy_hint = "Run `staging db upgrade`."


class PluginError(SettingError):
    """A plugin cannot be used; the message names it."""

    code = "plugin_broken"
    remedy_hint = "Update or remove the plugin that the message names, or list others in `plugins`."


class DuplicateName(PluginError):
    """Two plugins claim the same name or the same URL scheme."""

    code = "plugin_duplicate"
    remedy_hint = "Remove one of the two, or list the one you want in the setting `plugins`."


class HookFailed(StagingError):
    """A plugin's hook raised, took too long or returned the wrong kind; the message names it."""

    code = "hook_failed"
    remedy_hint = "Report it to the plugin's author, or remove the plugin."


class Unsupported(StagingError):
    """The backend in use does not have that capability."""

    code = "unsupported"
    status = 501
    remedy_hint = "Run `staging backends` to see which backend has it."


class NotFound(StagingError):
    """There is nothing of that id in this account."""

    code = "not_found"
    status = 404
    remedy_hint = "Check the id; another account's things are never shown."


class AlreadyFinal(StagingError):
    """The job has ended, so it can no longer be changed."""

    code = "already_final"
    status = 409
    remedy_hint = "Submit a new job for another try."


class NotReady(StagingError):
    """The picture is not ready yet."""

    code = "not_ready"
    status = 409
    remedy_hint = "Follow the job's events until it is ready."


class Unauthorized(StagingError):
    """The credentials are missing or wrong."""

    code = "unauthorized"
    status = 401
    remedy_hint = "Sign in again, or send a valid key."


class Forbidden(StagingError):
    """These credentials do not allow that."""

    code = "forbidden"
    status = 403
    remedy_hint = "Ask an administrator of the account for the right."


class UsageLimitExceeded(StagingError):
    """The account has no allowance left for this order."""

    code = "usage_limit_exceeded"
    status = 402
    remedy_hint = "Wait for the next period, or choose a larger plan."


class TooManyQueued(StagingError):
    """The account has too many jobs waiting."""

    code = "too_many_queued"
    status = 429
    remedy_hint = "Wait until some of them end."


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


# --- verbs for the worker -------------------------------------------------------------------------


class JobVerb(StagingError):
    """A stager or a hook says what shall happen to the job."""

    code = "job_failed"
    status = 422


class Refused(JobVerb):
    """The work is refused for good; asking again would not help."""

    code = "refused"
    remedy_hint = "Change the photo or the request."


class RoomNotUnderstood(Refused):
    """The room's geometry cannot be read from this photo."""

    code = "room_not_understood"
    remedy_hint = (
        "Use a level photo of an empty, box-shaped room that shows floor and two walls; "
        "`staging room PHOTO --overlay FILE` shows what was seen."
    )

    def __init__(
        self, message: str = "", *, remedy: str | None = None, overlay_png: bytes | None = None
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.overlay_png = overlay_png


class Busy(JobVerb):
    """The model certainly did not take the job; the same attempt may ask again later.

    ``retry_after_s``: seconds to wait, at least.
    """

    code = "busy"
    status = 503
    remedy_hint = "Nothing to do; the job waits and tries again."

    def __init__(
        self, message: str = "", *, remedy: str | None = None, retry_after_s: float = 5.0
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_s = retry_after_s


class Retryable(JobVerb):
    """This attempt failed, another may succeed."""

    code = "attempt_failed"
    status = 503
    remedy_hint = "Nothing to do; the job tries again with a new attempt."


class OutcomeUnknown(JobVerb):
    """Nobody knows yet whether the model took the job."""

    code = "outcome_unknown"
    status = 503
    remedy_hint = "Nothing to do; the outcome is found out before anything else happens."


class Moderated(JobVerb):
    """The model's safety filter refused the picture or its result."""

    code = "moderated"
    remedy_hint = "Try another photo, another seed or another model."


class AttemptsExhausted(JobVerb):
    """All attempts failed; the last failure is in the job's history."""

    code = "attempts_exhausted"
    status = 502
    remedy_hint = "See `staging jobs show ID`, then requeue it."


class Cancelled(JobVerb):
    """The job was cancelled."""

    code = "cancelled"
    status = 409
    remedy_hint = "Submit it again if that was a mistake."
