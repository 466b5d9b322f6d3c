"""Examples for the OpenAPI document: what is asked by hand, what is answered from its schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ID = "5b8c0c9e-8f0e-4b7a-9d0f-3a1f2f9f6b11"
_TIME = "2026-03-01T09:30:00Z"
_KEY = "uploads/2f9f6b11/5b8c0c9e.jpg"
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_HOOK = "https://crm.example/webhooks/staging"
_ORDER = {
    "project_id": _ID,
    "upload_id": _ID,
    "room_type": "living_room",
    "style": "scandinavian",
    "seed": 7,
    "furniture": ["sofa", "two armchairs"],
}
_PRICE = {"price_id": "price_monthly"}
_METHOD = {"paymentMethodId": "pm_1"}

REQUESTS: Mapping[str, Any] = {
    "create_project": {"name": "12 Elm Street"},
    "rename_project": {"name": "12 Elm Street"},
    "presign_upload": {
        "filename": "living-room.jpg",
        "content_type": "image/jpeg",
        "file_size": 2_481_664,
    },
    "upload_from_url": {"url": "https://photos.example/1.jpg", "headers": {"X-Token": "TOKEN"}},
    "create_image": _ORDER,
    "create_images": {"images": [_ORDER, {**_ORDER, "style": "modern", "variants": 2}]},
    "change_profile": {
        "full_name": "Ada Lovelace",
        "company_name": None,
        "billing_address": {"city": "London"},
    },
    "quote": {"images": 4},
    "create_key": {
        "name": "listing import",
        "scopes": ["images:read", "images:write"],
        "expires_in": 7_776_000,
    },
    "create_webhook_endpoint": {"url": _HOOK, "types": ["image.ready", "image.failed"]},
    "change_webhook_endpoint": {"enabled": False},
    "rotate_webhook_secret": {"overlap": 86_400},
    "create_checkout": _PRICE,
    "create_subscription_elements": _PRICE,
    "set_default_payment_method": _METHOD,
    "remove_payment_method": _METHOD,
    "upgrade_subscription": _PRICE,
    "reconcile_images": {"dry_run": True, "limit": 100, "status": "ready"},
    "change_setting": {"value": 5_000},
    "activate_model": {"value": "render"},
    "configure_model": {"go_fast": True},
}
"""The body of each operation that reads JSON of its own."""

_VALUES: Mapping[str, Any] = {
    "account_id": "acme",
    "actor": "ada",
    "code": "upload_unknown",
    "content_type": "image/jpeg",
    "currency": "usd",
    "description": "The one of our shop.",
    "detail": "There is no such upload.",
    "email": "ada@example.com",
    "error": "upload_unknown",
    "etag": '"9f86d081"',
    "field": "upload_id",
    "expires_in": 900,
    "file_size": 2_481_664,
    "filename": "living-room.jpg",
    "full_name": "Ada Lovelace",
    "furniture": "sofa",
    "height": 1365,
    "honours": "furniture",
    "image_count": 12,
    "images_used": 12,
    "key": "max_queued",
    "largest_side": 4096,
    "last4": "4242",
    "message": "There is no such upload.",
    "method": "PUT",
    "model": "render",
    "model_id": "render",
    "model_used": "render",
    "most_pixels": 16_777_216,
    "name": "12 Elm Street",
    "original_type": "image/jpeg",
    "phase": "done",
    "prefix": "sk_stg_Ab3d",
    "processing_time_ms": 5_400,
    "progress": 1.0,
    "prompt": "Leave the fireplace free.",
    "provider": "render",
    "remedy": "Put the photo again.",
    "role": "member",
    "room_type": "living_room",
    "room_types": "living_room",
    "rooms": "living_room",
    "scopes": "images:read",
    "secret": "SHOWN-THIS-ONCE",
    "seed": 7,
    "size": 2_481_664,
    "smallest_side": 256,
    "state": "ready",
    "status": "ready",
    "style": "scandinavian",
    "styles": "scandinavian",
    "summary": "Furnishes a photo of an empty room.",
    "target": _ID,
    "time_limit_s": 60.0,
    "title": "Unprocessable Entity",
    "type": "image.ready",
    "types": "image.ready",
    "upload_url": "https://photos.example/uploads/2f9f6b11/5b8c0c9e.jpg?signature=SIGNATURE",
    "user_id": "ada",
    "variant": 0,
    "version": "1",
    "width": 2048,
}
_ENDINGS: Mapping[str, Any] = {
    "_at": _TIME,
    "_url": "https://photos.example/1.jpg",
    "_key": _KEY,
    "_id": _ID,
    "id": _ID,
    "sha256": _SHA256,
    "url": _HOOK,
    "period_start": _TIME,
    "period_end": _TIME,
    "_usd": 0.04,
    "usd": 0.04,
}
# What is null in the usual case.
_NULL = frozenset(
    (
        *("error", "error_code", "message", "next_cursor", "revoked_at", "made_by", "cancel_at"),
        *("canceled_at", "disabled_at", "disabled_reason", "failing_since", "labelled_key"),
        "disclosure",
        *("previous_secret_until", "replicate_prediction_id", "requested_model", "max", "min"),
    )
)
_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
_PLAIN: Mapping[str, Any] = {"string": "text", "integer": 1, "number": 1.0, "boolean": True}


def answer(schema: Mapping[str, Any], components: Mapping[str, Any], name: str = "") -> Any:
    """A value that fits the schema; ``name``: of the field that it is for."""
    if "$ref" in schema:
        return answer(components[schema["$ref"].rpartition("/")[2]], components, name)
    if "anyOf" in schema:
        return _of_any(schema["anyOf"], components, name)
    known = _known(name, schema)
    if known is not None:
        return known
    if "enum" in schema or "examples" in schema:
        return (schema.get("examples") or schema["enum"])[0]
    return _of_kind(schema, components, name)


def _of_kind(schema: Mapping[str, Any], components: Mapping[str, Any], name: str) -> Any:
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            return {field: answer(kind, components, field) for field, kind in fields.items()}
        case "array":
            return [answer(schema["items"], components, name)] if "items" in schema else []
        case kind:
            return schema.get("minimum", _PLAIN.get(str(kind), "render"))


def _of_any(kinds: list[Any], components: Mapping[str, Any], name: str) -> Any:
    """The first kind that is not null; null where that is usual."""
    if name in _NULL and {"type": "null"} in kinds:
        return None
    return answer(next(kind for kind in kinds if kind != {"type": "null"}), components, name)


def _known(name: str, schema: Mapping[str, Any]) -> Any:
    """What stands in fields of that name, where the schema lets it."""
    value = _VALUES.get(name)
    if value is None:
        value = next((each for end, each in _ENDINGS.items() if name.endswith(end)), None)
    if "enum" in schema:
        return value if value in schema["enum"] else None
    fits = _KINDS.get(schema.get("type", ""), ())
    return value if isinstance(value, fits) and not isinstance(value, bool) else None
