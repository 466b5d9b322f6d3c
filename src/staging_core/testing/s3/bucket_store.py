"""moto's part: buckets and objects, without any check of who asks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

from staging_core.errors import MissingExtra

StartResponse = Callable[..., Any]


class BucketStore:
    """One moto, inside this process. Its buckets are those of every other moto in this process."""

    def __init__(self) -> None:
        try:
            from moto.core.models import DEFAULT_ACCOUNT_ID
            from moto.moto_server.werkzeug_app import create_backend_app
            from moto.s3.models import s3_backends
        except ImportError as error:
            raise MissingExtra(
                f"The S3 server for tests needs the package {error.name!r}.",
                remedy="pip install 'moto[s3,server]'",
            ) from error
        # moto leaves the file of an object that is replaced to the garbage collection.
        warnings.filterwarnings("ignore", "S3 key was not disposed", ResourceWarning)
        self._made: set[str] = set()
        self._app = create_backend_app("s3")
        self._moto = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        self._taken_names = s3_backends.bucket_accounts

    def __call__(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        """Answer as moto does."""
        answer: Iterable[bytes] = self._app(environ, start)
        return answer

    def make(self, bucket: str) -> None:
        """Make a bucket, if there is none of that name."""
        if bucket not in self._moto.buckets:
            self._moto.create_bucket(bucket, "us-east-1")
            self._made.add(bucket)

    def close(self) -> None:
        """Forget the buckets that were made here, and close the files of their objects."""
        for bucket in self._made:
            found = self._moto.buckets.pop(bucket, None)
            self._taken_names.pop(bucket, None)
            for key in found.keys.values() if found else ():
                key.dispose()

    def used_bytes(self, bucket: str) -> int:
        """What the objects of the bucket take together."""
        found = self._moto.buckets.get(bucket)
        return sum(key.size for key in found.keys.values()) if found else 0

    def etag(self, bucket: str, key: str) -> str | None:
        """The etag of an object, without quotes; None when there is none."""
        found = self._moto.get_object(bucket, key) if bucket in self._moto.buckets else None
        return found.etag.strip('"') if found else None

    def cors_rules(self, bucket: str) -> list[Any]:
        """The bucket's CORS rules."""
        found = self._moto.buckets.get(bucket)
        return list(found.cors) if found else []
