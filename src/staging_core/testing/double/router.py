"""Which handler answers a method and a path."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from .message import Answer, Request

Handler = Callable[..., Awaitable[Answer]]


class Router:
    """Routes in the order in which they were added; ``{name}`` stands for one part of a path."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []

    def add(self, method: str, pattern: str, handler: Handler) -> None:
        """``handler(request, **parts)`` answers ``method`` on paths like ``pattern``."""
        expression = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
        self._routes.append((method, re.compile(expression), handler))

    def find(self, request: Request) -> tuple[Handler, dict[str, str]] | None:
        """The handler of a request with the parts of its path; a HEAD is answered as a GET."""
        method = "GET" if request.method == "HEAD" else request.method
        for known, pattern, handler in self._routes:
            if known == method and (match := pattern.fullmatch(request.path)):
                return handler, match.groupdict()
        return None
