"""No secret of an installation is told anywhere, whatever is done with it and whatever goes wrong.

A deployment whose every key, token and password is known to the test: it works, its provider, its
storage, its queue and its callers fail, and then all that it said anywhere is searched.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from sqlalchemy.engine import make_url

from staging_core.database.tables import metadata
from staging_core.testing.issuer import issuer_process
from staging_core.testing.replicate import replicate_process
from staging_core.testing.s3 import S3Process
from staging_core.testing.servers.databases import Databases
from staging_core.testing.servers.redis import RedisServer, redis_server
from staging_core.testing.webhooks import Answer, receiving

from .collector import collecting
from .deployment import free_port
from .processes import clean, serving
from .test_end_to_end import PHOTO, Page

CANARIES = {
    "signing key": "canary-of-the-signing-key",
    "password of Redis": "canary-of-redis",
    "token of nobody": "sk_stg_" + "canary" * 6,
    "signature of nobody": "v1,canaryofasignature",
    "header of a source": "canary-of-a-source",
}
SIGNED = "X-Amz-Signature="


@dataclass
class Told:
    """All that was said, by where. ``secrets``: what must not be in it, by name."""

    secrets: dict[str, str]
    said: dict[str, list[str]] = field(default_factory=dict)

    def add(self, where: str, *texts: str) -> None:
        self.said.setdefault(where, []).extend(texts)

    def refusals(self, answer: httpx.Response) -> None:
        """What a client is told that is refused, headers included."""
        if answer.status_code >= 400:
            answer.read()
            self.add("errors", f"{answer.headers} {answer.text}")

    def leaks(self) -> set[tuple[str, str]]:
        """Which secret stands where; or an address that opens an object to whoever reads it."""
        looked_for = {**self.secrets, "signed address": SIGNED}
        return {
            (name, where)
            for where, texts in self.said.items()
            for name, secret in looked_for.items()
            if any(secret in text for text in texts)
        }


@contextmanager
def monitored(server: RedisServer, told: Told) -> Iterator[None]:
    """All commands that the queue gets."""
    client = redis.Redis.from_url(server.url, socket_timeout=None)

    def listen() -> None:
        with suppress(redis.RedisError, OSError, ValueError), client.monitor() as monitor:
            for command in monitor.listen():
                told.add("queue", command["command"])

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    yield
    client.close()
    thread.join(10)


@contextmanager
def worker(environment: dict[str, str], told: Told, log: Path) -> Iterator[None]:
    """``staging worker``, of which is kept what it says."""
    command = [sys.executable, "-m", "staging_core", "worker"]
    with log.open("w") as out, subprocess.Popen(command, env=environment, stderr=out) as process:
        try:
            yield
        finally:
            process.terminate()
            assert process.wait(30) == 0
    told.add("log", log.read_text())


def rows(postgresql: Databases, url: str) -> Iterator[str]:
    """Every row of every table, but for columns that are there to hold a secret."""
    for table in metadata.sorted_tables:
        secret = [column.name for column in table.columns if column.info.get("secret")]
        without = "".join(f" - '{name}'" for name in secret)
        query = f"SELECT (to_jsonb(t){without})::text AS row FROM {table.fullname} t"  # noqa: S608
        for row in postgresql.server.run(query, database=make_url(url).database):
            yield f"{table.name} {row['row']}"


def ended(page: Page, **wish: Any) -> dict[str, Any]:
    """An image that was asked for, however that ended."""
    project = page.call("POST", "/projects", 201, name="12 Elm Street")
    address = page.uploaded(PHOTO.read_bytes())
    order = {"project_id": project["id"], "original_url": address, "room_type": "bedroom", **wish}
    image: dict[str, Any] = page.call("POST", "/images", 201, **order)
    until = time.monotonic() + 100
    while image["status"] not in ("ready", "error"):
        assert time.monotonic() < until, image
        time.sleep(0.1)
        image = page.call("GET", f"/images/{image['id']}", 200)
    return image


def misuse(page: Page) -> None:
    """What callers get wrong with a secret in their hands."""
    nobody = {"Authorization": f"Bearer {CANARIES['token of nobody']}"}
    for path in ("/me", "/images", "/events"):
        assert page.api.get(path, headers=nobody).status_code == 401
    assert page.api.get("/events", params={"ticket": "tk_stg_canary"}).status_code == 401
    forged = {"webhook-id": "1", "webhook-timestamp": f"{time.time():.0f}"}
    forged["webhook-signature"] = CANARIES["signature of nobody"]
    for path in ("/callbacks/" + "0" * 32, "/replicate/webhook"):
        assert page.api.post(path, json={"id": "p"}, headers=forged).status_code in (401, 404)
    for host in ("127.0.0.1", "nowhere.invalid"):
        source = {"url": f"https://{host}/a.jpg"}
        source["headers"] = {"Authorization": CANARIES["header of a source"]}  # type: ignore[assignment]
        assert page.api.post("/uploads/from-url", json=source).status_code in (422, 502, 503)


@pytest.mark.timeout(300)
def test_no_secret_of_a_deployment_is_told_anywhere(postgresql: Databases, tmp_path: Path) -> None:
    with ExitStack() as parts:
        database = parts.enter_context(postgresql.fresh())
        queue = parts.enter_context(redis_server(password=CANARIES["password of Redis"]))
        bucket = parts.enter_context(S3Process())
        replicate = parts.enter_context(replicate_process())
        issuer = parts.enter_context(issuer_process())
        receiver = parts.enter_context(receiving())
        address, collector = parts.enter_context(collecting())
        port = str(free_port())
        settings = {
            "STAGING_AUTH": f"{issuer.auth()},keys:",
            "STAGING_SECRET_KEY": CANARIES["signing key"],
            "STAGING_DATABASE": database["database"],
            "STAGING_STORAGE": bucket.url("acme-photos", "staging"),
            "STAGING_QUEUE": queue.url,
            "STAGING_STAGER": "replicate:qwen/qwen-image-edit",
            "STAGING_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "STAGING_WEBHOOK_HOSTS": receiver.host,
            "STAGING_PLUGINS": "server",
            "STAGING_METRICS": "1",
            "STAGING_LOG_FORMAT": "json",
            "STAGING_BACKOFF_MAX_S": "0.2",
            "STAGING_MAX_ATTEMPTS": "2",
            "OTEL_EXPORTER_OTLP_ENDPOINT": address,
            "REPLICATE_BASE_URL": replicate.url,
            "REPLICATE_API_TOKEN": replicate.token,
            "REPLICATE_WEBHOOK_SECRET": replicate.secret,
            **bucket.secrets,
        }
        ada = issuer.token("ada", roles=["admin"])
        told = Told(
            {
                **CANARIES,
                "token of a person": ada,
                "token of the provider": replicate.token,
                "secret of callbacks": replicate.secret,
                "key of the storage": bucket.secrets["AWS_SECRET_ACCESS_KEY"],
            }
        )
        environment = {**clean(os.environ), "STAGING_HOME": str(tmp_path / "home"), **settings}
        with (
            monitored(queue, told),
            worker(environment, told, tmp_path / "worker.log"),
            serving(tmp_path / "home", "--no-worker", "--port", port, **settings) as served,
            Page(served.url, ada) as page,
        ):
            page.api.event_hooks["response"].append(told.refusals)
            endpoint = page.call("POST", "/webhook-endpoints", 201, url=receiver.url)
            told.secrets["secret of webhooks"] = endpoint["secret"]
            receiver.secrets.append(endpoint["secret"])
            receiver.usual = Answer(status=500, body=b"no")
            scopes = ["images:read", "images:write", "events:read"]
            key = page.call("POST", "/api-keys", 201, name="of a program", scopes=scopes)["secret"]
            told.secrets["key of a program"] = key

            assert ended(page)["status"] == "ready"
            misuse(page)
            replicate.then("failed")
            replicate.then("garbage")
            assert ended(page, style="modern")["status"] == "error"
            bucket.tell(fail="InternalError", times=6)
            with Page(served.url, key) as program:
                program.api.event_hooks["response"].append(told.refusals)
                with suppress(AssertionError, httpx.HTTPError):
                    ended(program, style="coastal")
                queue.stop()
                assert program.api.get("/projects").status_code == 200
                queue.start()
            told.add("metrics", httpx.get(f"{served.url}/metrics").text)
            events = page.call("GET", "/events/log", 200)["events"]
            assert events
            told.add("events", *map(str, events))
            assert served.stop() == 0
        told.add("log", *served.said)
        told.add("collector", *(body.decode("latin-1") for body in collector.bodies))
        told.add("rows", *rows(postgresql, database["database"]))
    assert told.said.keys() == {
        *("log", "collector", "metrics", "queue", "events", "errors", "rows"),
    }
    assert not told.leaks()
