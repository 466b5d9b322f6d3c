"""An S3 server for tests that believes nobody: moto keeps the objects, a verifier stands before it.

moto itself checks no signature, no expiry and no policy. Start it in this process with ``S3Server``
or as another one with ``S3Process`` or ``python -m staging_core.testing.s3``. Needs
``pip install 'moto[s3,server]'``. Weak spots: path addressing only; one key pair; no versions of
the protocol before signature version 4; a body that is signed chunk by chunk is refused.
"""

from __future__ import annotations

from .process import S3Process
from .server import S3Server

__all__ = ["S3Process", "S3Server"]
