"""The OpenAPI 3.1 document, made from the routes.

msgspec writes the JSON Schema of what a route reads and answers, so the document says exactly what
the code checks. Operation ids are the names of the routes' functions.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from staging_core import __version__

from . import examples
from .answer import Media
from .problem import MEDIA_TYPE, Problem
from .routing import Route

JSON = "application/json"
_REF = "#/components/schemas/{name}"
_ABOUT = """The HTTP API of staging-core: photos of empty rooms in, furnished photos out.

Errors are `application/problem+json` (RFC 9457) with a stable `code`. Times are RFC 3339, UTC.
Lists answer `next_cursor`, which is null at their end. Every POST that creates or spends something
takes an `Idempotency-Key`, but for a ticket, which is a secret that is told once. It is kept for 24
hours, that of an order for ever. A request carries `Authorization: Bearer` with a token of the
configured issuer or with an API key."""
_GROUPS = {
    "images": "One wished picture each, and what became of it.",
    "jobs": "The work on images, with every try of it.",
    "groups": "Variants that were asked for together.",
    "projects": "Photos of one listing, together.",
    "uploads": "Photos on their way in.",
    "pictures": "What was sent in and what came of it, as files.",
    "events": "What happens, as it happens.",
    "catalog": "What can be asked for.",
    "me": "Who calls.",
    "profile": "The user's own data.",
    "keys": "API keys, for machines.",
    "webhooks": "Webhook endpoints: where the account is told how its jobs end.",
    "billing": "Usage, plans and payments.",
    "account": "The account as a whole.",
    "admin": "What operators of the installation see and do.",
    "callbacks": "Where providers of models report.",
    "objects": "Signed addresses of a storage that has none of its own.",
    "health": "Whether it works.",
    "documentation": "This document.",
}
_COMMON = {
    "X-Request-ID": "Names this request in the installation's log; the caller's own, if sent.",
}
_LIMITS = {
    "RateLimit-Limit": "Requests that may be made in a minute.",
    "RateLimit-Remaining": "How many of them are left.",
    "RateLimit-Reset": "Seconds until all of them may be made again.",
}
_IDEMPOTENCY = (
    "Makes the request repeatable, for 24 hours or, where it orders images, for ever: the same key "
    "with the same request answers what was made the first time, with `Idempotent-Replayed: true`; "
    "with another request it is refused."
)


def document(routes: Iterable[Route], *, server: str = "") -> dict[str, Any]:
    """The document of these routes; ``server``: the address of the API."""
    shown = [route for route in routes if route.in_document]
    schemas, components = _schemas(shown)
    paths: dict[str, dict[str, Any]] = {}
    for route in shown:
        operation = _operation(route, schemas)
        _show(route, operation, components)
        paths.setdefault(route.template, {})[route.method.lower()] = operation
    groups = dict.fromkeys(route.group for route in shown)
    told = {
        "openapi": "3.1.0",
        "info": {
            "title": "staging-core",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        **({"servers": [{"url": server}]} if server else {}),
        "tags": [{"name": name, "description": _GROUPS[name]} for name in groups],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(told))
    return plain


def _schemas(routes: list[Route]) -> tuple[dict[Any, Any], dict[str, Any]]:
    """A reference for each type that a route names, and what is referred to."""
    kinds: dict[Any, None] = {Problem: None}
    for route in routes:
        for kind in (route.body, route.result, *route.also.values()):
            if kind is not None and not isinstance(kind, Media):
                kinds[kind] = None
    found, components = msgspec.json.schema_components(list(kinds), ref_template=_REF)
    plain = {name: _unindented(schema) for name, schema in sorted(components.items())}
    return dict(zip(kinds, found, strict=True)), plain


def _unindented(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A docstring's lines stand to the right of its first one, which Markdown shows as code."""
    told = schema.get("description")
    return {**schema, **({"description": inspect.cleandoc(told)} if told else {})}


def _operation(route: Route, schemas: Mapping[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation_id,
        "tags": [route.group],
        "summary": route.summary.rstrip("."),
    }
    if route.description:
        operation["description"] = route.description
    if parameters := [*_in_path(route), *_in_query(route), *_in_headers(route)]:
        operation["parameters"] = parameters
    if (body := _body(route, schemas)) is not None:
        operation["requestBody"] = body
    operation["responses"] = _responses(route, schemas)
    access = route.access
    operation["security"] = [] if access.who == "anyone" else [{"bearer": []}]
    operation["x-access"] = {"who": access.who, **({"scope": access.scope} if access.scope else {})}
    return operation


def _show(route: Route, operation: dict[str, Any], components: Mapping[str, Any]) -> None:
    """An example beside each schema, of what is asked and of what is answered when all is well."""
    asked = operation.get("requestBody", {}).get("content", {}).get(JSON)
    if asked is not None and route.operation_id in examples.REQUESTS:
        asked["example"] = examples.REQUESTS[route.operation_id]
    for status, told in operation["responses"].items():
        content = told.get("content", {}).get(JSON)
        if status.startswith("2") and content is not None and content.get("schema"):
            content["example"] = examples.answer(content["schema"], components)


# --- what is read ---------------------------------------------------------------------------------


def _in_path(route: Route) -> Iterable[dict[str, Any]]:
    for name in route.parameters:
        schema = {"type": "string", "minLength": 1}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _in_query(route: Route) -> Iterable[dict[str, Any]]:
    if route.query is None:
        return
    schema = msgspec.json.schema(route.query)
    shape = schema["$defs"][schema["$ref"].rpartition("/")[2]]
    for name, field in shape["properties"].items():
        plain = _without_null(field)
        told = plain.pop("description", None)
        parameter = {
            "name": name,
            "in": "query",
            "required": name in shape.get("required", ()),
            "schema": plain,
        }
        yield parameter | ({"description": told} if told else {})


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query has no null: what may be missing is left out."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    merged: dict[str, Any] = {name: value for name, value in schema.items() if name != "anyOf"}
    if merged.get("default", "") is None:
        del merged["default"]
    if len(kinds) == 1:
        return {**merged, **kinds[0]}
    return merged | ({"anyOf": kinds} if kinds else {})


def _in_headers(route: Route) -> Iterable[dict[str, Any]]:
    told = dict(route.request_headers)
    schema: dict[str, Any] = {"type": "string"}
    for name, meaning in told.items():
        yield {"name": name, "in": "header", "description": meaning, "schema": schema}
    if route.creates:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "description": _IDEMPOTENCY,
            "schema": {"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"},
        }


def _body(route: Route, schemas: Mapping[Any, Any]) -> dict[str, Any] | None:
    if route.raw:
        return {"required": True, "content": {kind: _raw(kind) for kind in route.raw}}
    if route.body is None:
        return None
    content = {JSON: {"schema": schemas[route.body]}}
    return {"required": not route.body_optional, "content": content}


def _raw(kind: str) -> dict[str, Any]:
    if kind == "multipart/form-data":
        file = {"type": "string", "contentMediaType": "application/octet-stream"}
        return {
            "schema": {"type": "object", "properties": {"file": file}, "required": ["file"]},
        }
    return {}


# --- what is answered -----------------------------------------------------------------------------


def _responses(route: Route, schemas: Mapping[Any, Any]) -> dict[str, Any]:
    good = {route.status: route.result, **route.also}
    responses = {
        str(status): _response(route, status, kind, schemas) for status, kind in good.items()
    }
    for status, kinds in sorted(_refusals(route).items()):
        responses.setdefault(str(status), _problem(status, kinds, schemas))
    responses["default"] = {
        "description": "Something else went wrong.",
        "content": {MEDIA_TYPE: {"schema": schemas[Problem]}},
    }
    return responses


def _response(route: Route, status: int, kind: Any, schemas: Mapping[Any, Any]) -> dict[str, Any]:
    limited = _LIMITS if route.access.who != "anyone" else {}
    headers = {**_COMMON, **limited, **route.headers}
    told: dict[str, Any] = {
        "description": f"{HTTPStatus(status).phrase}.",
        "headers": {
            name: {"description": meaning, "schema": {"type": "string"}}
            for name, meaning in headers.items()
        },
    }
    if isinstance(kind, Media):
        told["content"] = {name: {"schema": {}} for name in kind.types}
    elif kind is not None:
        told["content"] = {JSON: {"schema": schemas[kind]}}
    return told


def _refusals(route: Route) -> dict[int, list[str]]:
    """The codes that this route may answer, by status."""
    found: dict[int, list[str]] = {}
    for status, code in _usual(route):
        found.setdefault(status, []).append(code)
    for error in route.errors:
        found.setdefault(error.status, []).append(error.code)
    return found


def _usual(route: Route) -> Iterable[tuple[int, str]]:
    if route.access.who != "anyone":
        yield from ((401, "unauthorized"), (403, "forbidden"))
    if route.counted:
        yield (429, "rate_limited")
    if route.parameters:
        yield (404, "not_found")
    if route.query is not None or route.body is not None or route.creates:
        yield (422, "validation_failed")
    if route.body is not None or route.whole_photo:
        yield from ((400, "bad_request"), (408, "request_timeout"), (413, "request_too_large"))
    if route.body is not None or route.raw:
        yield (415, "unsupported_media_type")
    if 206 in route.also:
        yield (416, "range_not_satisfiable")
    if route.streams is not None:
        yield (503, "overloaded")
    if route.creates:
        yield (409, "idempotency_mismatch")
        yield (503, "overloaded")


def _problem(status: int, codes: list[str], schemas: Mapping[Any, Any]) -> dict[str, Any]:
    told = ", ".join(f"`{code}`" for code in dict.fromkeys(codes))
    return {
        "description": f"{HTTPStatus(status).phrase}: {told}.",
        "content": {MEDIA_TYPE: {"schema": schemas[Problem]}},
    }
