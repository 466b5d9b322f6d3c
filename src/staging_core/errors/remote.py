"""What can go wrong on the way to an installation that is reached over HTTP."""

from __future__ import annotations

from .base import StagingError


class ServerUnreachable(StagingError):
    """The server did not answer, or its answer broke off.

    ``arrived``: False when nothing can have reached it; else nobody knows.
    """

    code = "server_unreachable"
    status = 503
    remedy_hint = (
        "Check the address and the network, then call again under the same idempotency key."
    )

    def __init__(
        self, message: str = "", *, remedy: str | None = None, arrived: bool = True
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.arrived = arrived


class AnswerNotUnderstood(StagingError):
    """The answer is not one of this API."""

    code = "answer_not_understood"
    status = 502
    remedy_hint = (
        "Check that the address is that of the API itself (a proxy or a sign-in page may answer in "
        "its place), and that the server's version is not older than this one."
    )
