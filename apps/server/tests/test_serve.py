"""The server as its operator runs it: started, asked, stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from io import BytesIO
from pathlib import Path
from statistics import median

import httpx
import pytest
from PIL import Image

from staging_server.serving import _listening

from .processes import clean, refused, running, serving

FAKE = {"STAGING_STAGER": "fake:", "STAGING_PLUGINS": "server"}


def test_the_embedded_default_serves_the_owner_with_documentation(tmp_path: Path) -> None:
    with serving(tmp_path, **FAKE) as served:
        assert served.url.startswith("http://127.0.0.1:")
        assert httpx.get(f"{served.url}/health").json()["status"] == "ok"
        assert httpx.get(f"{served.url}/ready").json()["status"] == "ready"
        assert httpx.get(f"{served.url}/api/v1/me").json()["account_id"] == "local"
        assert httpx.get(f"{served.url}/docs").status_code == 200
        assert "server" not in httpx.get(f"{served.url}/health").headers
        assert served.stop() == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.7.7"])
def test_who_needs_not_sign_in_has_to_be_here(tmp_path: Path, host: str) -> None:
    said = refused(tmp_path, "--host", host, **FAKE)
    assert "STAGING_AUTH" in said
    assert not (tmp_path / "staging.db").exists()


def test_who_needs_not_sign_in_has_no_address_in_the_world(tmp_path: Path) -> None:
    said = refused(tmp_path, **FAKE, STAGING_PUBLIC_URL="https://studio.example")
    assert "STAGING_AUTH" in said
    assert "https://studio.example" in said


def test_with_sign_in_it_listens_anywhere_and_shows_no_documentation(tmp_path: Path) -> None:
    settings = {**FAKE, "STAGING_AUTH": "keys:", "STAGING_SECRET_KEY": "x" * 16}
    with serving(tmp_path, "--host", "0.0.0.0", "--no-worker", **settings) as served:
        here = served.url.replace("0.0.0.0", "127.0.0.1")
        assert httpx.get(f"{here}/api/v1/me").status_code == 401
        assert httpx.get(f"{here}/docs").status_code == 404
        assert httpx.get(f"{here}/schema/openapi.json").status_code == 404
        assert served.stop() == 0


def test_where_only_keys_let_in_it_warns_until_there_is_one(tmp_path: Path) -> None:
    settings = {**FAKE, "STAGING_AUTH": "keys:", "STAGING_SECRET_KEY": "x" * 16}
    with serving(tmp_path, **settings) as served:
        assert any("staging keys create" in line for line in served.said)
        created = subprocess.run(
            [
                *(sys.executable, "-m", "staging_core", "keys", "create", "first"),
                *("--account", "house", "--user", "ada", "--role", "admin"),
            ],
            env={**clean(os.environ), "STAGING_HOME": str(tmp_path), **settings},
            capture_output=True,
            text=True,
            check=True,
        )
        bearer = {"Authorization": f"Bearer {created.stdout.strip()}"}
        me = httpx.get(f"{served.url}/api/v1/me", headers=bearer).json()
        assert (me["account_id"], me["user_id"], me["role"]) == ("house", "ada", "admin")
    with serving(tmp_path, **settings) as served:
        assert not any("staging keys create" in line for line in served.said)


@pytest.mark.parametrize(
    ("trusted", "told"),
    [
        # What anybody may write names nobody: all of these are this machine.
        ({}, [403, 403, 429, 429, 429]),
        # The proxy adds whom it sees at the end; what stands before that is what they wrote.
        ({"STAGING_TRUSTED_PROXIES": "127.0.0.0/8"}, [403, 403, 429, 429, 403]),
    ],
)
def test_whom_a_proxy_names_counts_only_where_the_proxy_is_trusted(
    tmp_path: Path, trusted: dict[str, str], told: list[int]
) -> None:
    with serving(tmp_path, **FAKE, STAGING_RATE_LIMIT_ADDRESS="2", **trusted) as served:
        named = ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.9, 192.0.2.1", "192.0.2.2"]
        answers = [
            httpx.get(f"{served.url}/api/v1/objects/x", headers={"X-Forwarded-For": name})
            for name in named
        ]
        assert [answer.status_code for answer in answers] == told
        assert any("trusted_proxies" in line for line in served.said)


def test_answers_on_a_connection_that_is_kept_do_not_wait_for_one_another(tmp_path: Path) -> None:
    """Where a server does not send at once, a client's kernel lets it wait for 40 ms."""
    with serving(tmp_path, **FAKE) as served, httpx.Client(base_url=served.url) as client:
        took = []
        for _ in range(50):
            began = time.monotonic()
            client.get("/health")
            took.append(time.monotonic() - began)
        assert median(took) < 0.03


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with serving(tmp_path / "a", **FAKE) as served:
        port = str(httpx.URL(served.url).port)
        assert port in refused(tmp_path / "b", "--port", port, **FAKE)


def test_streams_end_with_a_hint_and_the_process_ends_soon(tmp_path: Path) -> None:
    with serving(tmp_path, **FAKE) as served:
        with httpx.stream("GET", f"{served.url}/api/v1/events", timeout=60) as stream:
            lines = stream.iter_lines()
            assert next(lines) == "event: connected"
            began = time.monotonic()
            stopping = threading.Thread(target=served.stop)
            stopping.start()
            rest = list(lines)
            stopping.join(30)
        assert any(line.startswith("retry: ") for line in rest)
        assert time.monotonic() - began < 25
        assert served.process.returncode == 0


def test_a_request_that_is_under_way_is_answered(tmp_path: Path) -> None:
    """SIGTERM comes while half of the request is sent."""
    with serving(tmp_path, **FAKE) as served:
        url = httpx.URL(served.url)
        with socket.create_connection((url.host, url.port)) as client:
            client.sendall(b"POST /api/v1/callbacks/abc HTTP/1.1\r\nHost: localhost\r\n")
            client.sendall(b"Content-Length: 2\r\n\r\n{")
            time.sleep(0.5)
            threading.Timer(1.0, client.sendall, [b"}"]).start()
            assert served.stop() == 0
            assert client.recv(4096).startswith(b"HTTP/1.1 401 ")


FALLING = """
import asyncio, signal, sys
from staging_core import Staging
from staging_core.cli.main import main

async def falls(self):
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, told.set)
    await told.wait()
    raise RuntimeError("the floor gave way")

Staging.run_worker = falls
main()
"""


def test_a_worker_that_falls_takes_the_server_with_it_in_good_order(tmp_path: Path) -> None:
    """Nobody would do what it went on to accept, and who started it has to see that it failed."""
    (tmp_path / "falling.py").write_text(FALLING)
    found = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    command = ("falling", "serve", "--port", "0")
    with running(command, tmp_path / "home", **FAKE, PYTHONPATH=found) as served:
        with httpx.stream("GET", f"{served.url}/api/v1/events", timeout=60) as stream:
            lines = stream.iter_lines()
            assert next(lines) == "event: connected"
            served.process.send_signal(signal.SIGUSR1)
            assert any(line.startswith("retry: ") for line in lines)
        assert served.process.wait(30) == 1
    assert any("the floor gave way" in line for line in served.said)


def test_what_others_need_is_not_imported_to_serve(tmp_path: Path) -> None:
    """Every API process would hold it, and it is a fifth of what it holds."""
    code = """
import sys
from staging_core import Staging
from staging_server.serving import Server, hosted_api
Server(hosted_api(Staging(stager="fake:", plugins=())), grace_s=1)
others = {"alembic", "attr", "pydantic", "sqlite3", "taskiq", "PIL", "numpy"}
print(sorted(others & sys.modules.keys()))
"""
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "[]"


def test_it_works_on_jobs_unless_told_not_to(tmp_path: Path) -> None:
    buffer = BytesIO()
    Image.linear_gradient("L").resize((320, 240)).convert("RGB").save(buffer, "PNG")
    (tmp_path / "empty.png").write_bytes(buffer.getvalue())
    with serving(tmp_path / "home", **FAKE) as served:
        done = submitted(tmp_path, served.url)
        deadline = time.monotonic() + 60
        while (image := httpx.get(done).json())["status"] != "ready":
            assert time.monotonic() < deadline, image
            time.sleep(0.1)
        assert served.stop() == 0


def submitted(folder: Path, url: str) -> str:
    """The address of an image that was put into the same installation by the command line."""
    words = ["submit", "empty.png", "--room", "bedroom", "--style", "modern", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "staging_core", *words],
        env={**os.environ, "STAGING_HOME": str(folder / "home"), **FAKE},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    (job,) = json.loads(done.stdout)["jobs"]
    return f"{url}/api/v1/images/{job['image_id']}"


def test_headers_without_an_end_are_not_kept(tmp_path: Path) -> None:
    """Whichever reader of HTTP is installed: some keep whatever comes, from whoever connects."""
    (tmp_path / "httptools").mkdir()
    (tmp_path / "httptools/__init__.py").write_text("")  # uvicorn would take it by itself
    found = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    with serving(tmp_path / "home", **FAKE, PYTHONPATH=found) as served:
        assert httpx.get(f"{served.url}/health").status_code == 200
        host, port = httpx.URL(served.url).host, httpx.URL(served.url).port
        door = socket.create_connection((host, port or 0), timeout=10)
        with door, pytest.raises(ConnectionError):
            door.sendall(b"GET /health HTTP/1.1\r\nX-A: " + b"a" * 10_000_000)
        assert served.stop() == 0


def test_a_connection_that_nobody_reads_is_given_up_by_the_kernel_too() -> None:
    with (
        _listening("127.0.0.1", 0) as door,
        socket.create_connection(door.getsockname()),
        door.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000
