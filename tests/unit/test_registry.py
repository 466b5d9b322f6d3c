"""From a scheme to an open backend: imported late, checked, closed; and what can go wrong."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from staging_core.config import Settings
from staging_core.errors import (
    MissingExtra,
    MissingSetting,
    PluginError,
    SettingError,
    UnknownScheme,
)
from staging_core.hooks import Hooks, Kind
from staging_core.hookspecs import hookimpl
from staging_core.interfaces import OpenContext
from staging_core.models import ModelCard, Provider, Wake
from staging_core.plugins import load_plugins
from staging_core.registry import Registry
from staging_core.urls import BackendURL

Install = Callable[..., str]
pytestmark = pytest.mark.anyio

# A queue, in the source of a throw-away plugin: its opener notes what happens to it.
QUEUE = """
from contextlib import asynccontextmanager
seen = []

class Queue:
    async def poke(self, wake): ...

@asynccontextmanager
async def open_queue(url, context):
    seen.append(("open", str(url), context.role))
    try:
        yield Queue()
    finally:
        seen.append("close")

@hookimpl
def staging_queues():
    return [Provider(scheme="acme", opens=f"{__name__}:open_queue", summary="Acme's", **MORE)]

MORE = {}
"""


class FreeQueue:
    """A host's own queue."""

    def __init__(self) -> None:
        self.closed = False

    async def poke(self, wake: Wake) -> None:
        """Tell nobody."""

    async def aclose(self) -> None:
        """The host's business."""
        self.closed = True


def registry(
    *selection: object, secrets: dict[str, str] | None = None, **settings: Any
) -> Registry:
    return Registry(
        Hooks(load_plugins(selection)), Settings.from_keywords(**settings), secrets=secrets
    )


async def opened(made: Registry, kind: Kind, choice: object) -> Any:
    """The backend, closed again."""
    async with AsyncExitStack() as stack:
        return await made.open(kind, choice, stack=stack, role="tool")


# --- opening --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        ("stager", "fake:"),
        ("storage", "file:"),
        ("storage", "memory:"),
        ("queue", "local:"),
        ("auth", "local:"),
        ("billing", "free:"),
    ],
)
async def test_every_embedded_backend_opens(kind: Kind, url: str, tmp_path: Path) -> None:
    assert await opened(registry(home=tmp_path), kind, url) is not None


async def test_a_backend_is_imported_when_it_is_opened_and_closed_with_the_stack(
    install: Install,
) -> None:
    module = install(QUEUE)
    made = registry("acme")
    seen = sys.modules[module].seen
    async with AsyncExitStack() as stack:
        backend = await made.open("queue", "acme:there?a=b", stack=stack, role="worker")
        assert type(backend).__name__ == "Queue"
        assert seen == [("open", "acme:there?a=b", "worker")]
    assert seen[1:] == ["close"]


async def test_an_open_object_is_taken_as_it_is_and_left_to_the_host() -> None:
    mine = FreeQueue()
    assert await opened(registry(), "queue", mine) is mine
    assert not mine.closed


async def test_an_opener_is_called_with_a_context_and_closed(tmp_path: Path) -> None:
    seen: list[object] = []

    @asynccontextmanager
    async def open_mine(url: BackendURL, context: OpenContext) -> AsyncIterator[FreeQueue]:
        seen.append((url.scheme, context.home, context.role))
        yield FreeQueue()
        seen.append("closed")

    await opened(registry(home=tmp_path), "queue", open_mine)
    assert seen == [("host", tmp_path, "tool"), "closed"]


async def test_a_storage_of_its_own_beats_the_one_for_every_scheme() -> None:
    made = registry()
    assert made.provider("storage", "file")[1].scheme == "file"
    assert made.provider("storage", "gs")[1].scheme == "*"
    own = Provider(scheme="gs", opens="acme:open_gs", summary="Google's")
    plugin = SimpleNamespace(name="acme", staging_storages=hookimpl(lambda: [own]))
    assert registry(plugin).provider("storage", "gs") == ("acme", own)


# --- what can go wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "url", "near"),
    [
        ("stager", "rendr:", "Did you mean render:?"),
        ("queue", "lokal:", "Did you mean local:?"),
        ("billing", "fee:", "Did you mean free:?"),
        ("auth", "saml:https://issuer", "jwt:, keys:, local:."),
    ],
)
async def test_an_unknown_scheme_is_answered_with_the_nearest_and_all_there_are(
    kind: Kind, url: str, near: str
) -> None:
    with pytest.raises(UnknownScheme, match=f"No {kind} answers to") as failed:
        await opened(registry(), kind, url)
    assert near in failed.value.remedy
    assert "Installed: " in failed.value.remedy


async def test_a_storage_scheme_that_nothing_knows_is_unknown_too() -> None:
    with pytest.raises(UnknownScheme, match="No storage answers to flie:") as failed:
        await opened(registry(), "storage", "flie:/photos")
    assert "Did you mean file:?" in failed.value.remedy


NEEDING = """
@hookimpl
def staging_queues():
    return [Provider(scheme="acme", opens={opens!r}, summary="", install="pip install acme[q]")]
"""


def needing(install: Install, source: str, function: str = "open_queue") -> None:
    """A plugin whose opener is ``function`` in a module of ``source``."""
    module = install(source, name="backend", distribution="backend-dist")
    install(NEEDING.format(opens=f"{module}:{function}"))


@pytest.mark.parametrize(
    "source",
    [
        "import no_such_package\ndef open_queue(url, context): ...",
        "def open_queue(url, context):\n    import no_such_package",
        "from contextlib import asynccontextmanager\n"
        "@asynccontextmanager\n"
        "async def open_queue(url, context):\n"
        "    import no_such_package.part\n"
        "    yield",
    ],
    ids=["at import", "when called", "when entered"],
)
async def test_a_package_that_is_not_installed_is_answered_with_the_install_command(
    install: Install, source: str
) -> None:
    needing(install, source)
    with pytest.raises(MissingExtra, match=r"queue acme: of the plugin 'acme'") as failed:
        await opened(registry("acme"), "queue", "acme:")
    assert "'no_such_package" in failed.value.message
    assert failed.value.remedy == "pip install acme[q]."


@pytest.mark.parametrize(
    ("source", "function", "told"),
    [
        ("x = 1", "open_queue", "does not exist"),
        ("x = 1", "x", "is not a function"),
        ("1 / 0", "open_queue", "ZeroDivisionError"),
        ("from json import no_such_name", "open_queue", "ImportError"),
        ("def open_queue(url, context):\n    return 7", "open_queue", "no async context manager"),
    ],
)
async def test_a_backend_whose_code_is_broken_names_its_plugin(
    install: Install, source: str, function: str, told: str
) -> None:
    needing(install, source, function)
    with pytest.raises(PluginError, match=r"queue acme: of the plugin 'acme'") as failed:
        await opened(registry("acme"), "queue", "acme:")
    assert told in failed.value.message


async def test_a_module_that_is_not_there_is_the_plugins_fault_not_a_missing_extra(
    install: Install,
) -> None:
    module = install("x = 1", name="backend", distribution="backend-dist")
    install(NEEDING.format(opens=f"{module}.queue:open_queue"))
    with pytest.raises(PluginError, match="does not exist") as failed:
        await opened(registry("acme"), "queue", "acme:")
    assert not isinstance(failed.value, MissingExtra)


async def test_missing_variables_are_named_before_anything_is_imported(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = install(QUEUE.replace("MORE = {}", "MORE = {'requires_env': ('ACME_A', 'ACME_B')}"))
    made = registry("acme", secrets={"ACME_B": "given"})
    with pytest.raises(MissingSetting, match="ACME_A") as failed:
        await opened(made, "queue", "acme:")
    assert "ACME_B" not in failed.value.message
    assert sys.modules[module].seen == []
    monkeypatch.setenv("ACME_A", "")
    with pytest.raises(MissingSetting, match="ACME_A"):
        await opened(made, "queue", "acme:")
    monkeypatch.setenv("ACME_A", "set")
    assert await opened(made, "queue", "acme:")


async def test_whatever_a_driver_raises_names_the_scheme_and_stays_as_the_cause(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    needing(
        install,
        "from contextlib import asynccontextmanager\n"
        "@asynccontextmanager\n"
        "async def open_queue(url, context):\n"
        "    raise ConnectionError('refused ' + context.secret('ACME_KEY'))\n"
        "    yield\n",
    )
    monkeypatch.setenv("ACME_KEY", "sesame")
    with pytest.raises(SettingError, match=r"queue acme: .* cannot be opened: Conn") as failed:
        await opened(registry("acme"), "queue", "acme:")
    assert isinstance(failed.value.__cause__, ConnectionError)
    assert "sesame" not in failed.value.message
    assert "refused ***" in failed.value.message


async def test_an_error_of_ours_that_an_opener_raises_passes_as_it_is(install: Install) -> None:
    with pytest.raises(SettingError, match="takes no path"):
        await opened(registry(), "queue", "local:somewhere")


# --- what a backend must be -----------------------------------------------------------------------


class HalfStorage:
    """Only one of the methods."""

    async def stat(self, key: str) -> None:
        """Nothing there."""


class SyncQueue:
    """A ``def`` where an ``async def`` belongs."""

    def poke(self, wake: Wake) -> None:
        """Tell nobody."""


class HalfConsumer(FreeQueue):
    """Signals, but nobody can listen."""

    async def signal(self, topic: str) -> None:
        """Tell nobody."""


class Cardless:
    """A stager without a card."""

    async def stage(self, request: object, photo: object, attempt: object) -> None:
        """Nothing."""


@pytest.mark.parametrize(
    ("kind", "backend", "told"),
    [
        ("storage", HalfStorage(), "missing"),
        ("queue", SyncQueue(), "async def"),
        ("queue", HalfConsumer(), "HalfConsumer.listen"),
        ("stager", Cardless(), "ModelCard"),
    ],
)
async def test_half_a_backend_is_refused_with_what_it_lacks(
    kind: Kind, backend: object, told: str
) -> None:
    with pytest.raises(PluginError, match=f"given as {type(backend).__name__} is not a {kind}"):
        await opened(registry(), kind, backend)
    with pytest.raises(PluginError) as failed:
        await opened(registry(), kind, backend)
    assert told in failed.value.message


@pytest.mark.parametrize("choice", [object(), SimpleNamespace(card=ModelCard(id="a", name="A"))])
async def test_an_object_of_another_kind_is_refused(choice: object) -> None:
    with pytest.raises(SettingError, match="neither a URL, an opener nor a storage"):
        await opened(registry(), "storage", choice)


async def test_a_class_in_place_of_an_object_is_refused() -> None:
    with pytest.raises(SettingError, match="FreeQueue"):
        await opened(registry(), "queue", FreeQueue)


async def test_a_backend_that_is_refused_is_closed_at_once(install: Install) -> None:
    module = install(QUEUE.replace("async def poke", "def poke"))
    made = registry("acme")
    async with AsyncExitStack() as stack:
        with pytest.raises(PluginError, match=r"'acme' is not a queue.*async def"):
            await made.open("queue", "acme:", stack=stack, role="tool")
        assert sys.modules[module].seen[-1] == "close"
    assert sys.modules[module].seen.count("close") == 1


# --- the list -------------------------------------------------------------------------------------


async def test_the_list_tells_what_is_there_what_is_missing_and_what_it_can(
    install: Install, tmp_path: Path
) -> None:
    install(
        """
        @hookimpl
        def staging_storages():
            return [Provider(scheme="acme", opens="no_such_package.storage:open", summary="Acme's",
                             install="pip install acme", requires_env=("ACME_KEY",))]
        """
    )
    made = registry("acme", home=tmp_path)
    await opened(made, "queue", "local:")
    rows = {(row.kind, row.scheme): row for row in made.describe()}
    acme = rows["storage", "acme"]
    assert acme.plugin == "acme"
    assert acme.missing == ("ACME_KEY",)
    assert "no_such_package" in acme.problem
    assert acme.capabilities is None
    local = rows["queue", "local"]
    assert (local.plugin, local.problem, local.missing) == ("staging-core", "", ())
    assert local.capabilities == ("Consumes", "Signals")
