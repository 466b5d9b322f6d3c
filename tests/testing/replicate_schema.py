"""Facts of the API's published schema, in our own words.

Source: https://api.replicate.com/openapi.json.
"""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]

STATUSES = ["starting", "processing", "succeeded", "failed", "canceled", "aborted"]

_TEXT = {"type": "string"}
_TEXT_OR_NONE = {"type": ["string", "null"]}
_URL = {"type": "string", "pattern": "^https?://"}
_TIME = {"type": "string", "format": "date-time", "pattern": "Z$"}
_TIME_OR_NONE = {"anyOf": [_TIME, {"type": "null"}]}

PREDICTION: dict[str, Any] = {
    "type": "object",
    "required": [
        "id",
        "model",
        "version",
        "input",
        "output",
        "data_removed",
        "error",
        "status",
        "created_at",
        "urls",
    ],
    "properties": {
        "id": {"type": "string", "pattern": "^[a-z0-9]{26}$"},
        "model": {"type": "string", "pattern": "^[^/]+/[^/]+$"},
        "version": {"type": "string", "pattern": "^(hidden|[0-9a-f]{64})$"},
        "input": {"type": "object"},
        "data_removed": {"type": "boolean"},
        "error": _TEXT_OR_NONE,
        "status": {"enum": STATUSES},
        "source": {"enum": ["api", "web"]},
        "logs": _TEXT,
        "created_at": _TIME,
        "started_at": _TIME_OR_NONE,
        "completed_at": _TIME_OR_NONE,
        "deadline": _TIME,
        "metrics": {"type": "object", "additionalProperties": {"type": "number"}},
        "urls": {
            "type": "object",
            "required": ["web", "get", "cancel"],
            "additionalProperties": _URL,
        },
    },
}
FILE: dict[str, Any] = {
    "type": "object",
    "required": [
        "id",
        "urls",
        "content_type",
        "size",
        "checksums",
        "metadata",
        "created_at",
        "expires_at",
    ],
    "properties": {
        "id": _TEXT,
        "urls": {"type": "object", "required": ["get"], "additionalProperties": _URL},
        "content_type": _TEXT,
        "size": {"type": "integer"},
        "checksums": {
            "type": "object",
            "properties": {"sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"}},
        },
        "metadata": {"type": "object"},
        "created_at": _TIME,
        "expires_at": _TIME,
    },
}
VERSION: dict[str, Any] = {
    "type": "object",
    "required": ["id", "created_at", "cog_version", "openapi_schema"],
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "created_at": _TIME,
        "cog_version": _TEXT_OR_NONE,
        "openapi_schema": {
            "type": "object",
            "required": ["openapi", "info", "paths", "components"],
        },
    },
}
MODEL: dict[str, Any] = {
    "type": "object",
    "required": ["url", "owner", "name", "visibility", "run_count", "latest_version"],
    "properties": {
        "url": _URL,
        "owner": _TEXT,
        "name": _TEXT,
        "description": _TEXT_OR_NONE,
        "visibility": {"enum": ["public", "private"]},
        "is_official": {"type": "boolean"},
        "github_url": _TEXT_OR_NONE,
        "paper_url": _TEXT_OR_NONE,
        "license_url": _TEXT_OR_NONE,
        "run_count": {"type": "integer"},
        "cover_image_url": _TEXT_OR_NONE,
        "default_example": {"type": ["object", "null"]},
        "latest_version": VERSION,
    },
}
ACCOUNT: dict[str, Any] = {
    "type": "object",
    "required": ["type", "username"],
    "properties": {"type": {"enum": ["user", "organization"]}, "username": _TEXT, "name": _TEXT},
}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["detail"],
    "properties": {"detail": _TEXT, "title": _TEXT, "status": {"type": "integer"}},
}
SECRET: dict[str, Any] = {
    "type": "object",
    "required": ["key"],
    "properties": {"key": {"type": "string", "pattern": "^whsec_"}},
}


def page_of(one: dict[str, Any]) -> dict[str, Any]:
    """A page of such objects."""
    return {
        "type": "object",
        "required": ["next", "previous", "results"],
        "properties": {
            "next": _TEXT_OR_NONE,
            "previous": _TEXT_OR_NONE,
            "results": {"type": "array", "items": one},
        },
    }


def check(value: Any, schema: dict[str, Any]) -> None:
    """Fail when the value breaks a fact."""
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(value)
