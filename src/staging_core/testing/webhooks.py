"""A receiver of webhooks on loopback: it verifies what comes, and misbehaves when told to.

The verification is written from the Standard Webhooks specification alone and shares nothing with
the code that signs. The receiver is a real server in a thread of the test; nothing in it sleeps.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
import time
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

TOLERANCE_S = 300.0
_PATIENCE_S = 20.0


class NotVerified(Exception):
    """A message is not from whoever has the secret, was changed, or is stale; its text says why."""


def verified(
    secrets: Collection[str],
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float | None = None,
) -> str:
    """The message's ``webhook-id``; ``NotVerified`` unless it is signed with one of ``secrets``.

    ``headers``: names in any case. ``now``: Unix seconds; the timestamp may be off by five minutes.
    """
    given = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, timestamp = given["webhook-id"], given["webhook-timestamp"]
        signatures = given["webhook-signature"].split(" ")
    except KeyError as missing:
        raise NotVerified(f"The header {missing} is missing.") from None
    if not timestamp.isascii() or not timestamp.isdigit():
        raise NotVerified("The timestamp is no number of seconds.")
    if abs((time.time() if now is None else now) - int(timestamp)) > TOLERANCE_S:
        raise NotVerified("The timestamp is too far from now.")
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    for secret in secrets:
        mac = hmac.new(base64.b64decode(secret.split("_", 1)[1]), signed, hashlib.sha256)
        expected = "v1," + base64.b64encode(mac.digest()).decode()
        if any(hmac.compare_digest(expected.encode(), each.encode()) for each in signatures):
            return message_id
    raise NotVerified("No signature is that of a known secret.")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the receiver does with one message.

    ``hangs``: it answers nothing until ``release``. ``cuts``: it closes the connection instead.
    """

    status: int = 200
    headers: dict[str, str] = {}
    body: bytes = b""
    hangs: bool = False
    cuts: bool = False


class ReceivedWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """One message that came and was verified."""

    id: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """The body: ``type``, ``timestamp``, ``data``."""
        value: dict[str, Any] = msgspec.json.decode(self.body)
        return value


class WebhookReceiver:
    """``host``: for the setting ``webhook_hosts``. ``url``: for an endpoint.

    ``secrets``: what messages may be signed with; those that are not are answered 401 and stand in
    ``refused``, with the reason. ``received``: the others, in the order they came. ``usual``: how
    it answers when ``will`` has named nothing else. ``now``: the time it takes it to be.
    """

    def __init__(self, host: str) -> None:
        self.host = host
        self.url = f"http://{host}/webhooks"
        self.secrets: list[str] = []
        self.received: list[ReceivedWebhook] = []
        self.refused: list[str] = []
        self.connections = 0
        self.usual = Answer()
        self.now: float | None = None
        self._next: deque[Answer] = deque()
        self._came = threading.Condition()
        self._released = threading.Event()

    def will(self, *answers: Answer) -> None:
        """Answer the next messages so, one by one."""
        self._next.extend(answers)

    def release(self) -> None:
        """Answer what hangs, now and from now on."""
        self._released.set()

    def wait_for(self, number: int, within_s: float = _PATIENCE_S) -> list[ReceivedWebhook]:
        """All verified messages, as soon as there are so many; ``AssertionError`` when too late."""
        with self._came:
            in_time = self._came.wait_for(lambda: len(self.received) >= number, within_s)
            if not in_time:
                raise AssertionError(
                    f"{len(self.received)} of {number} webhooks came; refused: {self.refused}"
                )
            return list(self.received)

    def take(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Verify a message that came and keep it; what to answer."""
        with self._came:
            try:
                message_id = verified(self.secrets, headers, body, now=self.now)
            except NotVerified as wrong:
                self.refused.append(str(wrong))
                self._came.notify_all()
                return Answer(status=401)
            self.received.append(
                ReceivedWebhook(id=message_id, path=path, headers=headers, body=body)
            )
            answer = self._next.popleft() if self._next else self.usual
            self._came.notify_all()
        if answer.hangs:
            self._released.wait(_PATIENCE_S)
        return answer


class _Server(ThreadingHTTPServer):
    request_queue_size = 256  # many messages may come at once


@contextmanager
def receiving() -> Iterator[WebhookReceiver]:
    """A receiver on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def setup(self) -> None:
            super().setup()
            receiver.connections += 1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = receiver.take(self.path, headers, body)
            self.close_connection = True
            if answer.cuts:
                return
            with suppress(OSError):  # whoever hung up does not hear it
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    receiver = WebhookReceiver(f"127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.release()
        server.shutdown()
        thread.join()
        server.server_close()
