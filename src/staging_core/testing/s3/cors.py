"""What browsers may do, as the bucket's CORS rules say."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from .asked import Asked
from .refusal import S3Refusal

Headers = list[tuple[str, str]]


def preflight(asked: Asked, rules: Iterable[Any]) -> Headers:
    """The answer to an OPTIONS request; ``S3Refusal`` when no rule allows what is asked."""
    method = asked.headers.get("access-control-request-method", "")
    wanted = asked.headers.get("access-control-request-headers", "").lower().replace(" ", "")
    rule = _rule(asked, method, [name for name in wanted.split(",") if name], rules)
    if rule is None:
        raise S3Refusal("AccessForbidden", "This CORS request is not allowed.")
    allowed = _allowed(asked, rule)
    allowed.append(("Access-Control-Allow-Methods", ", ".join(rule.allowed_methods)))
    if wanted:
        allowed.append(("Access-Control-Allow-Headers", wanted))
    return allowed


def answered(asked: Asked, rules: Iterable[Any]) -> Headers:
    """The headers that let a browser's script see an answer."""
    rule = _rule(asked, asked.method, [], rules) if "origin" in asked.headers else None
    return [] if rule is None else _allowed(asked, rule)


def _rule(asked: Asked, method: str, names: list[str], rules: Iterable[Any]) -> Any:
    origin = asked.headers.get("origin", "")
    for rule in rules:
        if (
            method in rule.allowed_methods
            and _matches(origin, rule.allowed_origins)
            and all(_matches(name, rule.allowed_headers) for name in names)
        ):
            return rule
    return None


def _matches(text: str, patterns: Iterable[str] | None) -> bool:
    return any(fnmatchcase(text.lower(), pattern.lower()) for pattern in patterns or ())


def _allowed(asked: Asked, rule: Any) -> Headers:
    anyone = "*" in rule.allowed_origins
    headers = [("Access-Control-Allow-Origin", "*" if anyone else asked.headers["origin"])]
    if rule.exposed_headers:
        headers.append(("Access-Control-Expose-Headers", ", ".join(rule.exposed_headers)))
    return headers
