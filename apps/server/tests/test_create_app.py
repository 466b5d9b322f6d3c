"""The service under a server of somebody's own: uvicorn here, as an operator starts it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from staging_core.errors import StagingError
from staging_core.testing.asgi_server import listening, serving, url_of
from staging_core.testing.fake_photo import small_photo
from staging_core.worker import Worker
from staging_server import create_app

from .processes import clean, running

FAKE = {"STAGING_STAGER": "fake:", "STAGING_PLUGINS": "server"}
UVICORN = ("uvicorn", "--factory", "staging_server:create_app", "--port", "0")


def test_one_command_of_another_server_is_a_whole_service(tmp_path: Path) -> None:
    with running(UVICORN, tmp_path, **FAKE) as own, httpx.Client(base_url=own.url) as api:
        assert api.get("/ready").json()["status"] == "ready"
        assert api.get("/api/v1/me").json()["account_id"] == "local"
        assert staged(api)["status"] == "ready"
        api.close()
        own.stop()
    assert any("Application shutdown complete" in line for line in own.said)


def test_event_streams_do_not_keep_it_from_stopping(tmp_path: Path) -> None:
    with running(UVICORN, tmp_path, **FAKE) as own:
        with httpx.stream("GET", f"{own.url}/api/v1/events", timeout=15) as stream:
            said = stream.iter_lines()
            assert next(said) == "event: connected"
            began = time.monotonic()
            own.process.terminate()
            assert any(line.startswith("retry: ") for line in said)
        own.process.wait(15)
        assert time.monotonic() - began < 10
    assert any("Application shutdown complete" in line for line in own.said)


def staged(api: httpx.Client) -> dict[str, Any]:
    """An image that was ordered, once it has ended."""
    photo = {"file": ("empty.png", small_photo(width=320, height=240), "image/png")}
    upload = api.post("/api/v1/uploads", files=photo).raise_for_status().json()
    project = api.post("/api/v1/projects", json={"name": "Elm"}).raise_for_status().json()
    order = {
        "project_id": project["id"],
        "upload_id": upload["id"],
        "room_type": "bedroom",
        "style": "modern",
    }
    image: dict[str, Any] = api.post("/api/v1/images", json=order).raise_for_status().json()
    deadline = time.monotonic() + 60
    while image["status"] in ("queued", "processing"):
        assert time.monotonic() < deadline, image
        time.sleep(0.1)
        image = api.get(f"/api/v1/images/{image['id']}").json()
    return image


@pytest.mark.parametrize(
    ("setting", "value"),
    [("STAGING_STORAGE", "nowhere:"), ("STAGING_PUBLIC_URL", "https://studio.example")],
)
def test_what_cannot_be_right_keeps_it_from_starting(
    tmp_path: Path, setting: str, value: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *UVICORN],
        env={**clean(os.environ), "STAGING_HOME": str(tmp_path), **FAKE, setting: value},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert setting in done.stderr or value in done.stderr


def test_its_settings_may_be_given_and_the_environment_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGING_STORAGE", "nowhere:")
    app = create_app({"home": tmp_path, "stager": "fake:", "plugins": ("server",)})
    with served(app) as url, httpx.Client(base_url=url) as api:
        assert api.get("/health").json()["status"] == "ok"
    assert (tmp_path / "staging.db").exists()


def test_a_key_where_no_key_is_taken_is_refused_with_the_setting_to_change(tmp_path: Path) -> None:
    """Whoever sits at the machine can make one; it opens something once others sign in."""
    app = create_app({"home": tmp_path, "stager": "fake:", "plugins": ()}, worker=False)
    with served(app) as url, httpx.Client(base_url=url) as api:
        made = api.post("/api/v1/api-keys", json={"name": "camera"}).raise_for_status().json()
        for token in (made["secret"], "whatever"):
            told = api.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
            assert told.status_code == 401
            assert "STAGING_AUTH" in told.json()["remedy"]
        assert api.get("/api/v1/me").status_code == 200


def test_a_service_whose_worker_fell_is_not_ready_and_the_log_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody would do what it goes on to accept."""

    async def falls(self: Worker) -> None:
        raise RuntimeError("the floor gave way")

    monkeypatch.setattr(Worker, "run", falls)
    app = create_app({"home": tmp_path, "stager": "fake:", "plugins": ()})
    with served(app) as url, httpx.Client(base_url=url) as api:
        answer = api.get("/ready")
        assert answer.status_code == 503
        assert answer.json()["checks"]["worker"] == "has ended"
        assert api.get("/health").status_code == 200
    (told,) = [each for each in caplog.records if each.message == "the worker ended"]
    assert "the floor gave way" in str(told.exc_info)


@pytest.mark.parametrize(("named", "told"), [((), [429, 429]), (("127.0.0.1",), [403, 429])])
def test_a_proxy_that_the_settings_name_is_believed(
    tmp_path: Path, named: tuple[str, ...], told: list[int]
) -> None:
    """Whatever its server believes: those who come through it are not one client."""
    config = {"home": tmp_path, "stager": "fake:", "plugins": (), "auth": "keys:"}
    limits = {"rate_limit_address": 1, "secret_key": "x" * 16, "trusted_proxies": named}
    with served(create_app({**config, **limits})) as url, httpx.Client(base_url=url) as api:
        api.get("/api/v1/objects/x", headers={"X-Forwarded-For": "192.0.2.1"})
        answers = [
            api.get("/api/v1/objects/x", headers={"X-Forwarded-For": client}).status_code
            for client in ("192.0.2.2", "192.0.2.1")
        ]
    assert answers == told


@contextmanager
def served(app: Any) -> Iterator[str]:
    """By a server in a thread, which believes no proxy; its URL."""
    listener = listening(0)
    with serving(app, [listener], "somebody's server"):
        yield url_of(listener)


def test_a_server_without_lifespans_is_told_what_is_missing(tmp_path: Path) -> None:
    app = create_app({"home": tmp_path, "stager": "fake:", "plugins": ()})

    async def nothing() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def nowhere(_: Any) -> None:
        return None

    with pytest.raises(StagingError, match="before it was opened") as told:
        asyncio.run(app({"type": "http"}, nothing, nowhere))
    assert "lifespan" in told.value.remedy
