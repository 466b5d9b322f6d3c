"""The server as a process of its own: its memory and its threads are not the test's."""

from __future__ import annotations

import json
import subprocess
import sys
from types import TracebackType
from typing import Any
from urllib.request import Request, urlopen

from .authentication import Keys
from .control import CONTROL
from .server import secrets_of, storage_url


class S3Process:
    """Runs ``python -m staging_core.testing.s3`` while its ``with`` block runs."""

    def __init__(self) -> None:
        self.keys = Keys()
        self.endpoint_url = ""
        self._process: subprocess.Popen[str] | None = None

    @property
    def secrets(self) -> dict[str, str]:
        """The variables that hold the keys."""
        return secrets_of(self.keys)

    def url(self, bucket: str, prefix: str = "", **options: str) -> str:
        """The storage URL of a bucket, made if need be."""
        self.tell(bucket=bucket)
        return storage_url(self.endpoint_url, bucket, prefix, options)

    def tell(self, **told: Any) -> dict[str, Any]:
        """Move the clock, let requests fail, limit a bucket: see ``Control.apply``."""
        request = Request(  # noqa: S310
            self.endpoint_url + CONTROL, data=json.dumps(told).encode(), method="PUT"
        )
        with urlopen(request, timeout=30) as answer:  # noqa: S310
            answered: dict[str, Any] = json.load(answer)
            return answered

    def __enter__(self) -> S3Process:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "staging_core.testing.s3", "--port", "0"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        if not said:
            self._end()
            raise RuntimeError("The S3 server for tests did not start; see its output above.")
        self.endpoint_url = json.loads(said)["endpoint_url"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
