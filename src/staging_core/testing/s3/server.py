"""The server in a thread of this process."""

from __future__ import annotations

from threading import Thread
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

from .authentication import Keys
from .verifier import Verifier


class S3Server:
    """Serves on ``127.0.0.1`` while its ``with`` block runs. ``port`` 0: a free one."""

    def __init__(self, *buckets: str, port: int = 0, keys: Keys | None = None) -> None:
        self.keys = keys or Keys()
        self._verifier = Verifier(self.keys)
        for bucket in buckets:
            self._verifier.store.make(bucket)
        self._server = _made(port, self._verifier)
        self._thread = Thread(target=self._server.serve_forever, daemon=True)

    @property
    def endpoint_url(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def secrets(self) -> dict[str, str]:
        """The variables that hold the keys."""
        return secrets_of(self.keys)

    def url(self, bucket: str, prefix: str = "", **options: str) -> str:
        """The storage URL of a bucket, made if need be."""
        self._verifier.store.make(bucket)
        return storage_url(self.endpoint_url, bucket, prefix, options)

    def tell(self, **told: Any) -> dict[str, Any]:
        """Move the clock, let requests fail, limit a bucket: see ``Control.apply``."""
        return self._verifier.control.apply(told)

    def serve(self) -> None:
        """Serve in this thread until interrupted."""
        self._server.serve_forever()

    def __enter__(self) -> S3Server:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._verifier.store.close()


def secrets_of(keys: Keys) -> dict[str, str]:
    """The variables that hold the keys."""
    return {
        "AWS_ACCESS_KEY_ID": keys.key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret,
        "AWS_REGION": keys.region,
    }


def storage_url(endpoint: str, bucket: str, prefix: str, options: dict[str, str]) -> str:
    """The storage URL of a bucket behind ``endpoint``."""
    path = f"{bucket}/{prefix}" if prefix else bucket
    query = {"endpoint_url": endpoint, "addressing": "path", **options}
    return f"s3://{path}?{urlencode(query)}"


def _made(port: int, verifier: Verifier) -> Any:
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Handler(WSGIRequestHandler):
        """Tells of its own faults only; a test asks what was seen."""

        def log(self, type: str, message: str, *args: Any) -> None:
            if type == "error":
                super().log(type, message, *args)

    return make_server("127.0.0.1", port, verifier, threaded=True, request_handler=Handler)
