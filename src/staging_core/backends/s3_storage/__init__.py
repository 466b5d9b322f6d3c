"""``s3://bucket/prefix``: a bucket of S3, or of a service that speaks its protocol.

On the client that s3fs makes and is made of, without its files. Weak spots: an object over 16 MiB
goes in parts, and parts whose sender was killed lie in the bucket, unseen but paid for, until a
lifecycle rule aborts them; bytes wait in a temporary file before they are sent, which costs memory
where that folder is one of memory; a copy takes at most 5 GB.
"""

from __future__ import annotations

from .opening import open_s3
from .storage import S3Storage

__all__ = ["S3Storage", "open_s3"]
