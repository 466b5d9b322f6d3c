"""What all suites share: opening the subject, an event loop per check, quoting the contract."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

import pytest

from staging_core.config import Settings
from staging_core.errors import SettingError
from staging_core.hooks import Hooks, Kind
from staging_core.plugins import load_plugins
from staging_core.registry import Registry

C = TypeVar("C", bound="Conformance")


class Check(Protocol):
    """One check, as pytest collects it."""

    sentence: str
    __name__: str

    def __call__(self, suite: Any) -> None: ...


class Conformance:
    """One contract's checks. Each opens the backend afresh in a new home.

    ``url``: the backend's URL; an opener or an open object does as well. ``plugins``: what to load,
    by default everything installed. ``settings``: the plugins' tables. ``secrets``: variables that
    the environment does not have. ``bad_urls``: URLs that the backend must not open. ``patience_s``
    is the most that one check may take.
    """

    kind: ClassVar[Kind]
    url: ClassVar[Any]
    plugins: ClassVar[Sequence[str | object] | None] = None
    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    secrets: ClassVar[Mapping[str, str]] = {}
    bad_urls: ClassVar[Sequence[Any]] = ()
    patience_s: ClassVar[float] = 60.0

    @asynccontextmanager
    async def open(self, home: Path, url: Any = None) -> AsyncIterator[Any]:
        """The subject, open. Override it when a URL is not enough."""
        settings = Settings.from_keywords(home=home, plugin_settings=dict(self.settings) or None)
        registry = Registry(Hooks(load_plugins(self.plugins)), settings, secrets=self.secrets)
        async with AsyncExitStack() as stack:
            choice = self.url if url is None else url
            yield await registry.open(self.kind, choice, stack=stack, role="worker")


def check(sentence: str, *, opened: bool = True) -> Callable[[Callable[..., Any]], Check]:
    """Make a plain test method of ``async def scenario(self, subject)`` for one sentence.

    With ``opened=False`` the scenario gets the home, and opens the subject itself.
    """

    def wrap(scenario: Callable[..., Coroutine[Any, Any, None]]) -> Check:
        # No functools.wraps: pytest would follow it and look for fixtures named like arguments.
        def test(self: Conformance) -> None:
            try:
                _run(_with_home(self, scenario, opened=opened), self.patience_s)
            except BaseException as error:
                error.add_note(f"The contract says: {sentence}")
                raise

        test.__name__ = scenario.__name__
        test.__qualname__ = scenario.__qualname__
        test.__module__ = scenario.__module__
        test.__doc__ = sentence
        test.sentence = sentence  # type: ignore[attr-defined]
        return test  # type: ignore[return-value]

    return wrap


async def _with_home(suite: Conformance, scenario: Callable[..., Any], *, opened: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        home = Path(folder)
        if not opened:
            await scenario(suite, home)
            return
        async with suite.open(home) as subject:
            await scenario(suite, subject)


def _run(scenario: Coroutine[Any, Any, None], patience_s: float) -> None:
    # A loop made by a factory leaves the thread's current loop, perhaps another plugin's, alone.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(_within(patience_s, scenario))


async def _within(patience_s: float, scenario: Coroutine[Any, Any, None]) -> None:
    async with asyncio.timeout(patience_s):
        await scenario


def checks(suite: type[Conformance]) -> dict[str, Check]:
    """The checks of a suite by name, in the order in which they are written."""
    found: dict[str, Check] = {}
    for base in reversed(suite.__mro__):
        found.update({name: each for name, each in vars(base).items() if name.startswith("test_")})
    return found


def failures(suite: type[Conformance]) -> dict[str, BaseException]:
    """Run every check of ``suite`` and give those that failed with what they raised."""
    failed: dict[str, BaseException] = {}
    for name in checks(suite):
        try:
            getattr(suite(), name)()
        except (Exception, pytest.fail.Exception) as error:
            failed[name] = error
    return failed


class OpensConformance(Conformance):
    """The contract of ``Opener``, which every kind of backend keeps."""

    @check("whose exit frees everything, also after an error", opened=False)
    async def test_its_exit_leaves_no_task_behind(self, home: Path) -> None:
        before = asyncio.all_tasks()
        async with self.open(home):
            pass
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == before

    @check("whose exit frees everything, also after an error", opened=False)
    async def test_an_error_inside_passes_through_its_exit(self, home: Path) -> None:
        error = LookupError("raised by the suite")
        with pytest.raises(LookupError) as seen:
            async with self.open(home):
                raise error
        assert seen.value is error

    @check("whose exit frees everything, also after an error", opened=False)
    async def test_it_opens_again_after_an_error(self, home: Path) -> None:
        for _ in range(2):
            with suppress(LookupError):
                async with self.open(home):
                    raise LookupError("raised by the suite")

    @check("for a URL it cannot serve, before it opens anything", opened=False)
    async def test_a_bad_url_is_a_setting_error_and_leaves_nothing(self, home: Path) -> None:
        for url in self.bad_urls:
            with pytest.raises(SettingError) as told:
                async with self.open(home, url):
                    pass
            assert told.value.remedy, f"{url}: the error has no remedy"
            assert not os.listdir(home), f"{url} left something behind"
