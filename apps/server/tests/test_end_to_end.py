"""From signing in to the picture, over real HTTP: the whole of it as an old page does it.

Once with everything embedded, as one process; once as a deployment: API, worker, PostgreSQL, Redis,
an S3 that checks every signature, an issuer, and the double of Replicate, each a process; and a
receiver of webhooks.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import httpx
from PIL import Image

from staging_core.testing.issuer import issuer_process
from staging_core.testing.replicate import replicate_process
from staging_core.testing.s3 import S3Process
from staging_core.testing.servers.databases import Databases
from staging_core.testing.servers.redis import redis_server
from staging_core.testing.webhooks import receiving

from .processes import clean, serving

PHOTO = Path(__file__).resolve().parents[3] / "src/staging_core/cli/demo/empty_room.jpg"
AS_A_PAGE = {
    "Content-Type": "image/jpeg",
    "Cache-Control": "public, max-age=31536000, immutable",
}


class Page:
    """A page of the original's: a token, five calls at each load, two headers on the PUT."""

    def __init__(self, url: str, token: str | None) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self.api = httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.api.close()

    def call(self, method: str, path: str, status: int, **json: Any) -> Any:
        answer = self.api.request(method, path, json=json or None)
        assert answer.status_code == status, answer.text
        return answer.json()

    def uploaded(self, data: bytes) -> str:
        """The address of the photo, without its query."""
        told = self.call(
            "POST",
            "/uploads/presign",
            200,
            filename="living room.jpg",
            content_type="image/jpeg",
            file_size=len(data),
        )
        answer = httpx.put(told["upload_url"], content=data, headers=AS_A_PAGE, timeout=60)
        assert answer.status_code == 200, answer.text
        return str(told["upload_url"].partition("?")[0])

    def followed(self, image_id: str) -> list[dict[str, Any]]:
        """What the event stream tells until the image is final."""
        seen = []
        query = {"image_id": image_id}
        with self.api.stream("GET", "/events", params=query, timeout=120) as stream:
            for line in stream.iter_lines():
                if line.startswith('data: {"image_id"'):
                    seen.append(json.loads(line.removeprefix("data: ")))
                    if seen[-1]["status"] in ("ready", "error"):
                        return seen
        raise AssertionError(seen)

    def from_photo_to_picture(self) -> bytes:
        """The staged picture."""
        self.call("GET", "/user/profile", 200)
        project = self.call("POST", "/projects", 201, name="12 Elm Street")
        image = self.call(
            "POST",
            "/images",
            201,
            project_id=project["id"],
            original_url=self.uploaded(PHOTO.read_bytes()),
            room_type="living_room",
            style="modern",
            seed=7,
        )
        told = self.followed(image["id"])
        assert told[-1]["status"] == "ready", told
        assert [each["seq"] for each in told] == sorted({each["seq"] for each in told})
        listed = self.call("GET", f"/projects/{project['id']}/images", 200)["images"]
        assert [each["id"] for each in listed] == [image["id"]]
        assert listed[0]["staged_url"]
        shown = self.call("GET", f"/images/{image['id']}/presign?kind=staged", 200)
        picture = httpx.get(shown["url"], timeout=60)
        assert picture.status_code == 200
        return picture.content


def is_as_large_as_the_photo(data: bytes) -> bool:
    with Image.open(BytesIO(data)) as staged, Image.open(PHOTO) as photo:
        return staged.size == photo.size


def test_with_everything_embedded(tmp_path: Path) -> None:
    settings = {"STAGING_STAGER": "fake:", "STAGING_PLUGINS": "server"}
    with serving(tmp_path, **settings) as served, Page(served.url, None) as page:
        assert is_as_large_as_the_photo(page.from_photo_to_picture())
        assert served.stop() == 0


def test_as_a_deployment(postgresql: Databases, tmp_path: Path) -> None:
    with ExitStack() as parts:
        database = parts.enter_context(postgresql.fresh(empty=True))
        redis = parts.enter_context(redis_server())
        bucket = parts.enter_context(S3Process())
        replicate = parts.enter_context(replicate_process())
        issuer = parts.enter_context(issuer_process())
        receiver = parts.enter_context(receiving())
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = str(free.getsockname()[1])
        settings = {
            "STAGING_AUTH": issuer.auth(),
            "STAGING_SECRET_KEY": "sixteen characters at least",
            "STAGING_DATABASE": database["database"],
            "STAGING_STORAGE": bucket.url("acme-photos", "staging"),
            "STAGING_QUEUE": redis.url,
            "STAGING_STAGER": "replicate:qwen/qwen-image-edit",
            "STAGING_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "REPLICATE_BASE_URL": replicate.url,
            "REPLICATE_API_TOKEN": replicate.token,
            "REPLICATE_WEBHOOK_SECRET": replicate.secret,
            "AWS_ACCESS_KEY_ID": bucket.secrets["AWS_ACCESS_KEY_ID"],
            "AWS_SECRET_ACCESS_KEY": bucket.secrets["AWS_SECRET_ACCESS_KEY"],
            "STAGING_WEBHOOK_HOSTS": receiver.host,
            "STAGING_PLUGINS": "server",
        }
        environment = {**clean(os.environ), "STAGING_HOME": str(tmp_path / "home"), **settings}
        owner = {"STAGING_DATABASE_ADMIN": database["database_admin"]}
        upgrade = [sys.executable, "-m", "staging_core", "db", "upgrade"]
        subprocess.run(upgrade, env={**environment, **owner}, check=True, timeout=60)
        parts.enter_context(working(environment))
        words = ("--no-worker", "--port", port)
        served = parts.enter_context(serving(tmp_path / "home", *words, **settings))
        assert httpx.get(f"{served.url}/api/v1/me").status_code == 401
        with Page(served.url, issuer.token("ada", roles=["admin"])) as page:
            made = page.call("POST", "/webhook-endpoints", 201, url=receiver.url)
            receiver.secrets.append(made["secret"])
            assert is_as_large_as_the_photo(page.from_photo_to_picture())
            (told,) = receiver.wait_for(1)
            assert told.event["type"] == "image.ready"
        with Page(served.url, issuer.token("bob")) as other:
            assert other.call("GET", "/projects", 200)["projects"] == []
        assert served.stop() == 0


@contextmanager
def working(environment: dict[str, str]) -> Iterator[None]:
    """``staging worker`` as a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "staging_core", "worker"],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        assert process.wait(30) == 0
