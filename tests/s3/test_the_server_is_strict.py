"""The S3 server for tests refuses whatever was not signed as it came."""

from __future__ import annotations

import asyncio
import io
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from staging_core.backends.s3_storage import S3Storage
from staging_core.models import UploadGrant, UploadTicket
from staging_core.testing.conformance.bytes_of import put
from staging_core.testing.s3 import S3Process, S3Server
from staging_core.testing.s3.authentication import Keys
from staging_core.testing.s3.verifier import Verifier

Open = Callable[..., AbstractAsyncContextManager[S3Storage]]
HOST = "http://127.0.0.1:1"
KEYS = Keys()


class Sent(NamedTuple):
    """A request as a client sends it."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


def sent(request: AWSRequest) -> Sent:
    prepared = request.prepare()
    parts = urlsplit(prepared.url)
    headers = {name.lower(): str(value) for name, value in prepared.headers.items()}
    headers = {**headers, "host": parts.netloc}
    headers.pop("content-length", None)  # says how to read the request, and is not signed
    return Sent(prepared.method, parts.path, parts.query, headers, request.data or b"")


def signed_by_header(keys: Keys = KEYS) -> Sent:
    headers = {"Content-Type": "image/png", "Cache-Control": "no-store", "x-amz-meta-room": "hall"}
    url = f"{HOST}/photos/a%20b.png?x-id=PutObject&colour=red"
    request = AWSRequest("PUT", url, headers=headers, data=b"bytes")
    S3SigV4Auth(Credentials(keys.key_id, keys.secret), "s3", keys.region).add_auth(request)
    return sent(request)


def signed_by_query() -> Sent:
    headers = {"Content-Type": "image/png", "Cache-Control": "no-store"}
    request = AWSRequest("PUT", f"{HOST}/photos/a.png", headers=headers)
    credentials = Credentials(KEYS.key_id, KEYS.secret)
    S3SigV4QueryAuth(credentials, "s3", KEYS.region, expires=600).add_auth(request)
    return sent(request)


@pytest.fixture(scope="module")
def verifier() -> Iterator[Verifier]:
    made = Verifier(KEYS)
    made.store.make("photos")
    yield made
    made.store.close()


def answer(verifier: Verifier, request: Sent) -> tuple[int, str]:
    """Status and error code."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "REQUEST_URI": f"{request.path}?{request.query}",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "CONTENT_LENGTH": str(len(request.body)),
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    said: list[str] = []
    body = b"".join(verifier(environ, lambda status, *_: said.append(status)))
    code = body.partition(b"<Code>")[2].partition(b"</Code>")[0].decode()
    return int(said[0].split()[0]), code


def altered(text: str, at: int) -> str:
    """``text`` with one of its letters or digits changed."""
    places = [place for place, char in enumerate(text) if char.isalnum()]
    place = places[at % len(places)]
    other = "1" if text[place] != "1" else "2"
    return text[:place] + other + text[place + 1 :]


def tampered(request: Sent, part: str, at: int) -> Sent:
    """The request with one part altered."""
    names = sorted(request.headers)
    name = names[at % len(names)]
    headers = dict(request.headers)
    one_less = {other: value for other, value in headers.items() if other != name}
    changes: dict[str, dict[str, Any]] = {
        "method": {"method": "DELETE"},
        "path": {"path": "/photos" + altered(request.path[7:], at)},
        "query": {"query": altered(request.query, at)},
        "query grows": {"query": f"{request.query}&acl=public-read"},
        "body": {"body": altered("bytes", at).encode()},
        "a header": {"headers": {**headers, name: altered(headers[name], at)}},
        "a header goes": {"headers": one_less},
        "a header grows": {"headers": {**headers, "x-amz-acl": "public-read"}},
    }
    return request._replace(**changes[part])


PARTS = ("method", "path", "query", "query grows", "a header", "a header goes", "a header grows")


def test_a_bucket_of_a_server_that_is_closed_can_be_made_again() -> None:
    for _ in range(2):
        made = Verifier(KEYS)
        made.store.make("made-again")
        assert made.store.used_bytes("made-again") == 0
        made.store.close()


@pytest.mark.parametrize("sign", [signed_by_header, signed_by_query])
def test_what_was_signed_is_taken(verifier: Verifier, sign: Callable[[], Sent]) -> None:
    assert answer(verifier, sign()) == (200, "")


@given(part=st.sampled_from([*PARTS, "body"]), at=st.integers(0, 200))
def test_whatever_is_altered_in_a_signed_request_is_refused(
    verifier: Verifier, part: str, at: int
) -> None:
    status, code = answer(verifier, tampered(signed_by_header(), part, at))
    assert 400 <= status < 500
    assert code


@given(part=st.sampled_from(PARTS), at=st.integers(0, 400))
def test_whatever_is_altered_in_a_signed_address_is_refused(
    verifier: Verifier, part: str, at: int
) -> None:
    status, code = answer(verifier, tampered(signed_by_query(), part, at))
    assert 400 <= status < 500
    assert code


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        (Keys(secret="another"), "SignatureDoesNotMatch"),  # noqa: S106
        (Keys(key_id="nobody"), "InvalidAccessKeyId"),
        (Keys(region="eu-west-1"), "AuthorizationHeaderMalformed"),
    ],
)
def test_other_keys_are_refused(verifier: Verifier, keys: Keys, code: str) -> None:
    assert answer(verifier, signed_by_header(keys))[1] == code


@pytest.mark.parametrize(
    ("sign", "moved_s", "code"),
    [
        (signed_by_header, 16 * 60, "RequestTimeTooSkewed"),
        (signed_by_header, -16 * 60, "RequestTimeTooSkewed"),
        (signed_by_header, 14 * 60, ""),
        (signed_by_query, 595, ""),
        (signed_by_query, 605, "AccessDenied"),
        (signed_by_query, -16 * 60, "AccessDenied"),
    ],
)
def test_time_is_kept(
    verifier: Verifier, sign: Callable[[], Sent], moved_s: float, code: str
) -> None:
    verifier.clock.move(moved_s)
    try:
        assert answer(verifier, sign())[1] == code
    finally:
        verifier.clock.move(-moved_s)


def test_nobody_is_nobody(verifier: Verifier) -> None:
    assert answer(verifier, Sent("GET", "/photos/a.png", "", {"host": "h"}, b""))[0] == 403


def test_a_signature_of_the_old_version_is_refused(verifier: Verifier) -> None:
    query = "AWSAccessKeyId=test-key&Signature=x&Expires=2000000000"
    assert answer(verifier, Sent("GET", "/photos/a.png", query, {"host": "h"}, b""))[0] == 400


# --- forms ---------------------------------------------------------------------------------------


async def form(opened: Open) -> UploadTicket:
    async with opened() as storage:
        grant = UploadGrant(key="up/a.png", content_type="image/png", max_bytes=10, form=True)
        return await storage.presign_upload(grant)


def posted(ticket: UploadTicket, fields: dict[str, str], data: bytes = b"bytes") -> int:
    return httpx.post(ticket.url, data=fields, files={"file": data}, timeout=30).status_code


def wider(policy: str) -> str:
    """The policy with a larger size."""
    told = json.loads(b64decode(policy))
    told["conditions"] = [
        ["content-length-range", 0, 1 << 30] if isinstance(each, list) else each
        for each in told["conditions"]
    ]
    return b64encode(json.dumps(told).encode()).decode()


def test_a_form_is_taken_only_as_its_policy_says(opened: Open) -> None:
    ticket = asyncio.run(form(opened))
    fields = dict(ticket.fields)
    assert posted(ticket, fields) == 204
    for name, value in ticket.fields.items():
        assert posted(ticket, {n: v for n, v in fields.items() if n != name}) in (400, 403), name
        changed = altered(value, 40)
        assert posted(ticket, {**fields, name: changed}) in (400, 403), name
    assert posted(ticket, {**fields, "acl": "public-read"}) == 403
    assert posted(ticket, {**fields, "policy": wider(fields["policy"])}, bytes(99)) == 403
    assert posted(ticket, fields, bytes(11)) == 400
    assert posted(ticket, fields, b"") == 400


# --- browsers ------------------------------------------------------------------------------------


def test_a_browser_may_do_what_the_cors_rules_say(
    opened: Open, server: S3Process, bucket: str
) -> None:
    rule = {
        "AllowedOrigins": ["https://app.example.com"],
        "AllowedMethods": ["PUT"],
        "AllowedHeaders": ["content-type"],
        "ExposeHeaders": ["ETag"],
    }

    async def run() -> None:
        async with opened() as storage:
            await storage._client.put_bucket_cors(
                Bucket=bucket, CORSConfiguration={"CORSRules": [rule]}
            )

    asyncio.run(run())
    url = f"{server.endpoint_url}/{bucket}/up/a.png"
    asked = {
        "Origin": "https://app.example.com",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type",
    }
    allowed = httpx.options(url, headers=asked)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "https://app.example.com"
    for name, value in (
        ("Origin", "https://evil.example.com"),
        ("Access-Control-Request-Method", "DELETE"),
        ("Access-Control-Request-Headers", "content-type,x-other"),
    ):
        assert httpx.options(url, headers={**asked, name: value}).status_code == 403
    assert "access-control-allow-origin" not in httpx.get(url, headers=asked).headers


def test_the_server_also_runs_in_this_process(opened: Open) -> None:
    async def run(url: str) -> int:
        async with opened(url=url) as storage:
            return (await put(storage, "a", b"bytes")).size

    with S3Server() as server:
        assert asyncio.run(run(server.url("in-process"))) == 5
        assert server.tell()["requests"] == ["PUT /in-process/a"]
