"""Every error a caller can meet: a stable code, an HTTP status, and what to do about it.

An error is also a verb for the worker: ``Refused`` (never again), ``Busy`` (later, the attempt does
not count), ``OutcomeUnknown`` (find out first), ``Retryable`` (again, a new attempt), ``Moderated``
(the model's safety filter said no). Whatever a driver raised stays as ``__cause__``.
"""

from __future__ import annotations

from .base import (
    StagingError,
)
from .installation import (
    DuplicateName,
    HomeUnwritable,
    HookFailed,
    MissingExtra,
    MissingSetting,
    PluginError,
    SchemaOutdated,
    SettingError,
    UnknownScheme,
)
from .request import (
    BadInput,
    BadPicture,
    FileMissing,
    FileUnreadable,
    IdempotencyMismatch,
    InvalidIdempotencyKey,
    NotHonoured,
    PictureAnimated,
    PictureEmpty,
    PictureTooLarge,
    PictureTruncated,
    PictureUnsupported,
    UnknownModel,
    UnknownRoom,
    UnknownStyle,
)
from .service import (
    AlreadyFinal,
    Forbidden,
    InvalidCallback,
    InvalidSignature,
    NotFound,
    NotReady,
    TooManyQueued,
    Unauthorized,
    Unsupported,
    UsageLimitExceeded,
)
from .storing import (
    DatabaseFailed,
    InvalidKey,
    ObjectChanged,
    ObjectMissing,
    StorageError,
    StorageFull,
)
from .verbs import (
    AttemptsExhausted,
    Busy,
    Cancelled,
    JobVerb,
    Moderated,
    OutcomeUnknown,
    Refused,
    Retryable,
    RoomNotUnderstood,
)

__all__ = [
    "AlreadyFinal",
    "AttemptsExhausted",
    "BadInput",
    "BadPicture",
    "Busy",
    "Cancelled",
    "DatabaseFailed",
    "DuplicateName",
    "FileMissing",
    "FileUnreadable",
    "Forbidden",
    "HomeUnwritable",
    "HookFailed",
    "IdempotencyMismatch",
    "InvalidCallback",
    "InvalidIdempotencyKey",
    "InvalidKey",
    "InvalidSignature",
    "JobVerb",
    "MissingExtra",
    "MissingSetting",
    "Moderated",
    "NotFound",
    "NotHonoured",
    "NotReady",
    "ObjectChanged",
    "ObjectMissing",
    "OutcomeUnknown",
    "PictureAnimated",
    "PictureEmpty",
    "PictureTooLarge",
    "PictureTruncated",
    "PictureUnsupported",
    "PluginError",
    "Refused",
    "Retryable",
    "RoomNotUnderstood",
    "SchemaOutdated",
    "SettingError",
    "StagingError",
    "StorageError",
    "StorageFull",
    "TooManyQueued",
    "Unauthorized",
    "UnknownModel",
    "UnknownRoom",
    "UnknownScheme",
    "UnknownStyle",
    "Unsupported",
    "UsageLimitExceeded",
]
