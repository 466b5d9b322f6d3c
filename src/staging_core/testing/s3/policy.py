"""Form uploads: what the policy allows is all that is taken."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from .asked import Asked, Body
from .authentication import Authentication
from .clock import ServerClock, moment
from .refusal import S3Refusal
from .signature import ALGORITHM, Scope

_NOT_IN_POLICY = {"policy", "x-amz-signature", "file"}


class Form(NamedTuple):
    """``fields`` by lower-case name, those before the file; ``data``: the file."""

    fields: Mapping[str, str]
    data: bytes


def put_for_form(asked: Asked, clock: ServerClock, keys: Authentication) -> Asked:
    """The PUT that an allowed form stands for; ``S3Refusal`` when it is not allowed."""
    form = _read(asked)
    given = form.fields
    if "policy" not in given:
        raise S3Refusal("AccessDenied", "Anonymous requests are not allowed.")
    if given.get("x-amz-algorithm") != ALGORITHM:
        raise S3Refusal("InvalidRequest", f"Please use {ALGORITHM}.")
    scope = Scope.parse(given.get("x-amz-credential", ""))
    moment(given.get("x-amz-date", ""))
    keys.check_signed(scope, given["policy"], given.get("x-amz-signature", ""))
    policy = _policy(given["policy"])
    if _expiration(policy) < clock.now():
        raise S3Refusal("AccessDenied", "Invalid according to Policy: Policy expired.")
    _check(policy.get("conditions", []), {**given, "bucket": asked.bucket}, len(form.data))
    return _put(asked, form)


def _read(asked: Asked) -> Form:
    from werkzeug.formparser import parse_form_data

    environ = {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": asked.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(asked.body.size),
        "wsgi.input": asked.body.file,
    }
    _, fields, files = parse_form_data(environ)
    if "file" not in files or "key" not in fields:
        raise S3Refusal("MalformedPOSTRequest", "A form has the fields key and file.")
    data = files["file"].read()
    given = {name.lower(): str(value) for name, value in fields.items()}
    given["key"] = given["key"].replace("${filename}", str(files["file"].filename or ""))
    return Form(given, data)


def _policy(encoded: str) -> dict[str, Any]:
    try:
        policy = json.loads(b64decode(encoded, validate=True))
    except ValueError as error:
        raise S3Refusal("InvalidPolicyDocument", "The policy is not JSON in base64.") from error
    if not isinstance(policy, dict):
        raise S3Refusal("InvalidPolicyDocument", "The policy is not an object.")
    return policy


def _expiration(policy: Mapping[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(str(policy["expiration"])).astimezone(UTC)
    except (KeyError, ValueError) as error:
        raise S3Refusal("InvalidPolicyDocument", "The policy has no expiration.") from error


def _check(conditions: list[Any], given: Mapping[str, str], size: int) -> None:
    known = {*_NOT_IN_POLICY, "bucket"}
    for condition in conditions:
        for kind, name, wanted in _told(condition):
            if kind == "content-length-range":
                _check_size(int(name), int(wanted), size)
                continue
            known.add(name)
            value = given.get(name, "")
            holds = value.startswith(wanted) if kind == "starts-with" else value == wanted
            if not holds:
                raise S3Refusal("AccessDenied", f"Invalid according to Policy: {condition}.")
    extra = [name for name in given if name not in known and not name.startswith("x-ignore-")]
    if extra:
        raise S3Refusal("AccessDenied", f"Invalid according to Policy: extra field {extra[0]}.")


def _told(condition: Any) -> list[tuple[str, str, str]]:
    """As (kind, field, value), or (``content-length-range``, least, most)."""
    if isinstance(condition, dict):
        return [("eq", name.lower(), str(value)) for name, value in condition.items()]
    kind, name, value = condition
    if kind not in ("eq", "starts-with", "content-length-range"):
        raise S3Refusal("InvalidPolicyDocument", f"There is no condition {kind!r}.")
    return [(kind, str(name).lower().lstrip("$"), str(value))]


def _check_size(least: int, most: int, size: int) -> None:
    if size > most:
        raise S3Refusal("EntityTooLarge", "The upload exceeds the maximum allowed size.")
    if size < least:
        raise S3Refusal("EntityTooSmall", "The upload is smaller than the minimum size.")


def _put(asked: Asked, form: Form) -> Asked:
    import hashlib
    import io

    kept = ("content-type", "cache-control", "x-amz-server-side-encryption")
    headers = {name: form.fields[name] for name in kept if name in form.fields}
    headers |= {"host": asked.headers["host"], "content-length": str(len(form.data))}
    path = f"/{asked.bucket}/{quote(form.fields['key'])}"
    body = Body(io.BytesIO(form.data), len(form.data), hashlib.sha256(form.data).hexdigest(), "")
    return Asked("PUT", path, "", headers, body)
