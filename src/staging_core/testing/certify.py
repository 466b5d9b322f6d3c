"""``staging certify``: the conformance suites over what a distribution has installed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

import msgspec

from staging_core.errors import MissingExtra, PluginError
from staging_core.plugins import BUILTIN, GROUP

VARIABLE = "CERTIFY_ORDER"  # carries the order to the process that runs the suites


class CertifyOrder(msgspec.Struct, frozen=True):
    """``plugins`` of a distribution; ``urls`` by scheme, where ``scheme:`` is not enough."""

    plugins: tuple[str, ...]
    urls: Mapping[str, str]


def certify(name: str, *, urls: Mapping[str, str] | None = None) -> int:
    """Run the suites over the installed distribution ``name``; 0 when every check passed, else 1.

    Every plugin of its entry points gets ``PluginConformance``, every backend that they declare
    the suite of its kind, opened by ``scheme:`` or the URL in ``urls``. It runs in a process of its
    own, which reads the plugins' tables as the command line does, and reports to this one's
    output. ``PluginError``: not installed, or it has no plugin. ``MissingExtra``: no pytest.
    """
    if find_spec("pytest") is None:
        raise MissingExtra(
            "Certifying needs pytest.", remedy="Run: pip install 'staging-core[testing]'"
        )
    order = CertifyOrder(_plugins(name), dict(urls or {}))
    with tempfile.TemporaryDirectory(prefix="certify-") as folder:
        inifile = Path(folder, "pytest.ini")  # keeps a project's own settings out
        inifile.write_text("[pytest]\n", "utf-8")
        command = _command(inifile)
        done = subprocess.run(command, env=_environment(order), check=False)  # noqa: S603 - ours
    return int(done.returncode != 0)


def _plugins(name: str) -> tuple[str, ...]:
    try:
        found = distribution(name)
    except PackageNotFoundError as error:
        raise PluginError(
            f"The distribution {name!r} is not installed.", remedy=f"Run: pip install {name}"
        ) from error
    if found.name == BUILTIN:
        return (BUILTIN,)
    plugins = tuple(entry.name for entry in found.entry_points if entry.group == GROUP)
    if not plugins:
        raise PluginError(
            f"The distribution {name!r} has no plugin.",
            remedy=f"Give it an entry point in the group {GROUP!r}.",
        )
    return plugins


def _command(inifile: Path) -> list[str]:
    options = ["-c", str(inifile), "--noconftest", "-p", "no:cacheprovider", "-q", "--no-header"]
    options.append("--tb=short")
    suites = ["-p", "staging_core.testing.certify_report", "staging_core.testing.certify_suites"]
    return [sys.executable, "-m", "pytest", *options, "--pyargs", *suites]


def _environment(order: CertifyOrder) -> dict[str, str]:
    environment = {**os.environ, VARIABLE: msgspec.json.encode(order).decode()}
    environment.pop("PYTEST_ADDOPTS", None)
    return environment
