"""What the service or the way to it answers, in our words: never its text, never a secret."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from botocore.exceptions import (  # type: ignore[import-untyped]
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
)
from botocore.exceptions import (
    ConnectionError as BotoConnectionError,
)

from staging_core.errors import (
    BucketMissing,
    ClockSkewed,
    ObjectChanged,
    ObjectMissing,
    StorageDenied,
    StorageError,
    StorageFull,
    StorageUnreachable,
)

_CREDENTIALS = {
    *("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken"),
    *("InvalidSecurity", "TokenRefreshRequired", "InvalidClientTokenId"),
}
_REGION = {
    *("AuthorizationHeaderMalformed", "PermanentRedirect", "301", "TemporaryRedirect"),
    *("IllegalLocationConstraintException", "InvalidRegion"),
}
_SKEW = {"RequestTimeTooSkewed", "RequestExpired"}
_DENIED = {"AccessDenied", "AllAccessDisabled", "AccountProblem", "403", "Forbidden"}
# AWS is never full; these are what MinIO, Ceph, Backblaze and others say.
_FULL = {
    *("XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded"),
    *("InsufficientStorage", "StorageCapExceeded", "StorageLimitExceeded", "NotEnoughSpace"),
}
_MISSING = {"NoSuchKey", "404", "NotFound"}
_CHANGED = {"PreconditionFailed", "412"}
_AWAY = (
    *(BotoConnectionError, HTTPClientError),
    *(aiohttp.ClientError, TimeoutError, ConnectionError),
)
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def explained(subject: str) -> Iterator[None]:
    """Turn what the driver raises into a ``StorageError`` of the kind that it is."""
    try:
        yield
    except ClientError as error:
        raise _answered(error, subject) from error
    except (NoCredentialsError, CredentialRetrievalError) as error:
        raise StorageDenied(
            "There are no credentials for the bucket (any more).",
            remedy="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role.",
        ) from error
    except _AWAY as error:
        raise StorageUnreachable(
            f"The storage did not answer at {subject}: {type(error).__name__}."
        ) from error
    except BotoCoreError as error:
        raise StorageError(f"The storage failed at {subject}: {type(error).__name__}.") from error
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StorageFull(
                f"The temporary folder has no room left for {subject}.",
                remedy="Free some space there, or set TMPDIR to another folder.",
            ) from error
        raise StorageError(f"The storage failed at {subject}: {error.strerror}.") from error


def code_of(error: ClientError) -> str:
    """The service's word for what is wrong, or the HTTP status where it has none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _answered(error: ClientError, subject: str) -> StorageError:
    code = code_of(error)
    if code in _FULL or _status(error) == 507:
        return StorageFull(f"There is no room left for {subject}.")
    if code in _MISSING:
        return ObjectMissing(f"There is no object {subject}.")
    if code in _CHANGED:
        return ObjectChanged(f"The object {subject} is another by now.")
    if code == "NoSuchBucket":
        return BucketMissing()
    if code in _SKEW:
        return ClockSkewed()
    return _refused(code, subject) or StorageError(
        f"The storage failed at {subject}: {code}.",
        remedy="Nothing to do when it passes; otherwise see the service's status.",
    )


def _refused(code: str, subject: str) -> StorageError | None:
    if code in _CREDENTIALS:
        return StorageDenied(f"The storage does not accept the credentials ({code}).")
    if code in _REGION:
        return StorageDenied(
            f"The bucket lies in another region ({code}).",
            remedy="Set the bucket's region: AWS_REGION, or the URL's option `region`.",
        )
    if code in _DENIED:
        return StorageDenied(
            f"The storage does not allow that at {subject} ({code}).",
            remedy="Run `staging doctor`; the how-to `use-s3` lists the rights.",
        )
    return None
