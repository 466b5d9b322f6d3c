"""What an ``s3:`` URL says: which bucket, where, and how objects are encrypted."""

from __future__ import annotations

import re
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from staging_core.errors import SettingError
from staging_core.models import is_key
from staging_core.urls import BackendURL

Addressing = Literal["auto", "path", "virtual"]
Encryption = Literal["s3", "kms"]

OPTIONS = (
    *("endpoint_url", "public_endpoint_url", "region", "addressing"),
    *("sse", "kms_key"),
)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_CHOICES = {"addressing": ("auto", "path", "virtual"), "sse": ("s3", "kms")}


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a bucket. ``root``: what every key begins with, ``""`` or ending in a slash."""

    bucket: str
    root: str
    endpoint_url: str | None = None
    public_endpoint_url: str | None = None
    region: str | None = None
    addressing: Addressing = "auto"
    sse: Encryption | None = None
    kms_key: str | None = None

    @classmethod
    def parse(cls, url: BackendURL) -> Location:
        """Read the URL; ``SettingError`` names the part that is wrong."""
        bucket, _, prefix = url.path.partition("/")
        prefix = prefix.strip("/")
        if _BUCKET.fullmatch(bucket) is None:
            raise SettingError(
                f"{url} names no bucket.", remedy="Write it as s3://bucket/prefix?region=…"
            )
        if prefix and not is_key(prefix):
            raise SettingError(
                f"{url}: the prefix {prefix[:80]!r} is not one.",
                remedy="A prefix has letters, digits, ._- and single slashes.",
            )
        return cls(bucket=bucket, root=f"{prefix}/" if prefix else "", **_checked(url))

    def name(self, key: str) -> str:
        """The object's name in the bucket."""
        return self.root + key

    def object(self, key: str) -> dict[str, str]:
        """The two arguments that name an object in every call."""
        return {"Bucket": self.bucket, "Key": self.name(key)}

    @property
    def encryption(self) -> dict[str, str]:
        """The arguments that ask for encryption where an object is written."""
        if self.sse is None:
            return {}
        key = {"SSEKMSKeyId": self.kms_key} if self.kms_key else {}
        return {"ServerSideEncryption": "AES256" if self.sse == "s3" else "aws:kms", **key}


def _checked(url: BackendURL) -> dict[str, Any]:
    for name, value in url.options.items():
        if name not in OPTIONS:
            raise SettingError(
                f"{url.scheme}: has no option {name!r}.",
                remedy=f"Its options: {', '.join(OPTIONS)}.",
            )
        if not value:
            raise SettingError(f"{url}: the option {name!r} is empty.", remedy="Leave it out.")
        if name in _CHOICES and value not in _CHOICES[name]:
            raise SettingError(
                f"{url}: {name}={value} is not known.",
                remedy=f"Choose {' or '.join(_CHOICES[name])}.",
            )
        if name.endswith("endpoint_url"):
            _check_endpoint(url, name, value)
    if "kms_key" in url.options and url.options.get("sse") != "kms":
        raise SettingError(f"{url}: `kms_key` goes with sse=kms.", remedy="Add sse=kms.")
    return dict(url.options)


def _check_endpoint(url: BackendURL, name: str, value: str) -> None:
    parts = urlsplit(value)
    plain = parts.username is None and not parts.query and parts.path in ("", "/")
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise SettingError(
            f"{url}: `{name}` is not the address of a service.",
            remedy="Write it as https://host:port, without bucket, path and credentials.",
        )
