"""What the documentation shows must run.

``python`` blocks are executed, ``console`` blocks run their ``$`` lines (a server that ends with
``&`` runs until the page ends, at a free port in place of 8080), and a block after the comment
``<!-- file: NAME -->`` is written to that file. Each page has a folder of its own, in which the
bundled photo lies as ``empty.jpg``, smaller to save time; installing goes to a folder of the page,
never into the environment. A database at ``db.example`` is a fresh one of the tests.
Blocks in other languages are only read by people.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from PIL import Image
from sybil import Document, Example, Region
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer
from sybil.region import Lexeme

from staging_core.testing.servers.databases import Databases

ROOT = Path(__file__).resolve().parents[2]
PHOTO = ROOT / "src/staging_core/cli/demo/empty_room.jpg"
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "plugins").glob("*/README.md")),
]
FILE = re.compile(r"<!-- file: (\S+) -->\s*$")
_PORT = "8080"
READERS_ONLY = ("git ", "cd ", "script/", "export ")


def blocks(document: Document) -> Iterator[Region]:
    """Every fenced block that does something, with what it does."""
    for region in FencedCodeBlockLexer(r"\w+", {"language": "language", "source": "source"})(
        document
    ):
        named = FILE.search(document.text, 0, region.start)
        region.parsed = region.lexemes["source"]
        if named is not None:
            region.parsed = (named[1], str(region.parsed))
            region.evaluator = write_file
        elif region.lexemes["language"] == "python":
            region.evaluator = run_python
        elif region.lexemes["language"] == "console":
            region.evaluator = run_console
        if region.evaluator is not None:
            yield region


def write_file(example: Example) -> None:
    name, text = example.parsed
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def run_python(example: Example) -> None:
    server: Server = example.namespace["server"]
    lexeme = example.parsed
    source = lexeme.replace(f"127.0.0.1:{_PORT}", f"127.0.0.1:{server.port}")
    example.parsed = Lexeme(source, lexeme.offset, lexeme.line_offset)
    PythonEvaluator()(example)


def run_console(example: Example) -> None:
    for line in str(example.parsed).replace("\\\n", " ").splitlines():
        command = line.removeprefix("$ ")
        if "@db.example/" in command:
            example.namespace["use_database"](command.removeprefix("export ").partition("=")[0])
        elif command != line and not command.startswith(READERS_ONLY):
            server: Server = example.namespace["server"]
            if command.endswith(" &"):
                server.start(command.removesuffix(" &"))
            else:
                run_command(here(command).replace(_PORT, server.port))


def here(command: str) -> str:
    """The command, with installing led into this page's folder."""
    pip = f"{shlex.quote(sys.executable)} -m pip install --quiet --no-deps --no-build-isolation"
    return re.sub(r"^pip install (-e )?", f"{pip} --target site ", command)


class Server:
    """What a page starts, and the free port where it listens."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = str(free.getsockname()[1])

    def start(self, command: str) -> None:
        """Start it in place of the one before; the next command finds it listening."""
        self.stop()
        words = [*shlex.split(command), "--port", self.port]
        self.process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"$ {command} has ended"
            with suppress(OSError), socket.create_connection(("127.0.0.1", int(self.port)), 1):
                return
            time.sleep(0.05)
        raise AssertionError(f"$ {command} does not listen")

    def stop(self) -> None:
        """End it in good order; uvicorn by itself ends by the signal that it has obeyed."""
        process, self.process = self.process, None
        if process is not None:
            process.terminate()
            assert process.wait(30) in (0, -signal.SIGTERM)


@pytest.fixture
def server() -> Iterator[Server]:
    """A server for a page, stopped with it."""
    server = Server()
    yield server
    server.stop()


def run_command(command: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", command], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, f"$ {command}\n{done.stdout}\n{done.stderr}"


@pytest.fixture
def use_database(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], None]]:
    """Sets a variable that names a database, or its owner, to one that is there."""
    with ExitStack() as used:
        found: dict[str, str] = {}

        def use(variable: str) -> None:
            if not found:
                databases: Databases = request.getfixturevalue("postgresql")
                found.update(used.enter_context(databases.fresh(empty=True)))
            monkeypatch.setenv(variable, found[variable.removeprefix("STAGING_").lower()])

        yield use


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_code_block_runs(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    use_database: Callable[[str], None],
    server: Server,
) -> None:
    with Image.open(PHOTO) as photo:
        photo.thumbnail((1024, 1024))
        photo.save(tmp_path / "empty.jpg", quality=95)
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("STAGING_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    document = Document.parse(str(page), blocks)
    document.namespace |= {"use_database": use_database, "server": server}
    for example in document.examples():
        example.evaluate()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_staging_commands_stand_in_blocks_that_run(page: Path) -> None:
    for language, source in re.findall(
        r"^```(\w+)\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
    ):
        commands = re.findall(r"^(?:\$ )?staging .*", source, re.MULTILINE)
        assert language == "console" or not commands, (
            f"not run, as the block is {language}: {commands}"
        )
