"""What a caller handed in cannot be used."""

from __future__ import annotations

from collections.abc import Mapping

from .base import StagingError


class BadInput(StagingError):
    """The request cannot be understood as it stands.

    ``part``: what of it this is about, by the name that the call has for it; empty: not known.
    """

    part: str = ""
    code = "bad_request"
    status = 422
    remedy_hint = "Correct the request; the message names the part that is wrong."


class ValidationFailed(BadInput):
    """Some fields of the request are wrong.

    ``fields``: what is wrong with each, by its name.
    """

    code = "validation_failed"
    remedy_hint = "Correct the fields that the message names."

    def __init__(
        self, message: str = "", *, remedy: str | None = None, fields: Mapping[str, str] = {}
    ) -> None:
        told = " ".join(f"`{name}`: {words}" for name, words in fields.items())
        super().__init__(message or told, remedy=remedy)
        self.fields = dict(fields)


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


class UnknownPlan(BadInput):
    """There is no such plan."""

    code = "unknown_plan"
    remedy_hint = "Choose one of the setting `plans`."


class UnknownPrice(BadInput):
    """No plan or pack of this installation is sold at this price."""

    code = "unknown_price"
    remedy_hint = "Choose a price of a plan or pack that is offered here."


class CurrencyDiffers(BadInput):
    """The account pays for its plan in another currency."""

    code = "currency_differs"
    remedy_hint = "Choose a price in the currency that the account pays in, or end its plan first."


class CreditsMissing(BadInput):
    """The account has not so many credits."""

    code = "credits_missing"
    remedy_hint = "Take no more than it has left; what running jobs hold is not there to take."


class NotHonoured(BadInput):
    """The chosen model cannot honour a part of the request."""

    code = "not_honoured"
    remedy_hint = "Leave that part out, or choose a model whose card lists it."

    def __init__(self, message: str = "", *, remedy: str | None = None, part: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.part = part


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


class UnknownUpload(BadInput):
    """There is no such upload in this account."""

    code = "upload_unknown"
    remedy_hint = "Upload the photo, then name its upload, its address or its key."


class UploadMissing(BadInput):
    """Nothing has been uploaded there yet."""

    code = "upload_missing"
    remedy_hint = "Send the photo to the upload's address first, within its 15 minutes."


class UploadMismatch(BadInput):
    """What was uploaded is not what was announced."""

    code = "upload_mismatch"
    remedy_hint = "Announce the upload again, with the file's own size and type."


class SourceRefused(BadInput):
    """The photo's address is not one that is fetched from."""

    code = "source_refused"
    remedy_hint = "Give a public https address that answers with the photo itself, no redirect."


class SourceUnavailable(BadInput):
    """The photo could not be fetched from its address."""

    code = "source_unavailable"
    remedy_hint = "Check that the address answers with the photo, then try again."
