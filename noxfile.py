"""Every check by name: ``nox -s NAME``. ``script/test`` runs the ones that must always hold.

The sessions without an environment of their own use the one that ``script/bootstrap`` made.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import nox
from nox.command import CommandFailed

nox.needs_version = ">=2026.1"
nox.options.sessions = ["lint", "secrets", "types", "package", "tests"]
nox.options.error_on_external_run = True

BIN = Path(sys.executable).parent
ANY_REQUEST = "apps/embed/tests/test_any_request.py"
CRASHES = (
    "tests/engine/test_crash_points.py",
    "tests/engine/test_no_call_is_forgotten.py",
    "tests/engine/test_when_a_deferred_job_is_interrupted.py",
    "tests/outside/test_crashes.py",
    "tests/payments/test_crashes.py",
    "tests/payments/test_crashes_at_stripe.py",
)
PAYMENT_RUNS = (
    "tests/payments/test_a_plan_is_worth_its_price.py",
    "tests/payments/test_in_any_order.py",
    "tests/payments/test_in_any_order_at_stripe.py",
)
NO_TESTS = 5
PINNED = "requirements/dev.txt"
RUNTIME = "requirements/runtime.txt"
STAGE_FROM_WHEEL = Path("tests/package/stage_from_wheel.py").resolve()

# Two test processes on two cores: libraries that start threads of their own only slow them down.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def run(
    session: nox.Session, tool: str, *args: str, codes: Iterable[int] = (0,), **env: str
) -> None:
    """Run a pinned tool of the bootstrapped environment; ``codes``: how it may end."""
    session.run(str(BIN / tool), *args, external=True, env=env, success_codes=codes)


def pytest(session: nox.Session, *words: str, or_none: bool = False, **env: str) -> None:
    """Run pytest with its files in memory where there is room; words after ``--`` go to it too.

    ``or_none``: words after ``--`` may choose tests of which there is none here.
    """
    command = ("script/on_tmpfs.py", str(BIN / "pytest"), *words, *session.posargs)
    codes = (0, NO_TESTS) if or_none and session.posargs else (0,)
    run(session, "python", *command, codes=codes, **ONE_THREAD, **env)


def tests_of(session: nox.Session, *paths: str) -> None:
    """Run tests on two processes."""
    profile = ("--hypothesis-profile=ci",) if os.environ.get("CI") else ()
    pytest(session, "-n2", *profile, *paths)


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Rules, format, and whether the pinned packages fit together."""
    run(session, "ruff", "check", ".")
    run(session, "ruff", "format", "--check", ".")
    run(session, "python", "-m", "pip", "check")


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """Strict types everywhere; the public API with a second checker."""
    run(session, "mypy", "src", "benchmarks", "tests/typing", "noxfile.py")
    for source in sorted([*Path("plugins").glob("*/src"), *Path("apps").glob("*/src")]):
        run(session, "mypy", str(source))
    run(session, "basedpyright")


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """Every test of the core, the plugins and the apps."""
    tests_of(session)


@nox.session(venv_backend="none")
def conformance(session: nox.Session) -> None:
    """Our own backends and doubles against the kit that outsiders use."""
    tests_of(session, "tests/conformance")


@nox.session(venv_backend="none")
def faults(session: nox.Session) -> None:
    """The long forms: a thousand jobs, a thousand runs of payments, every order, every crash."""
    beside = f"--ignore={ANY_REQUEST}"
    pytest(session, "-n0", "-m", "full", "-s", beside, or_none=True)
    pytest(session, "-n2", "--timeout=3600", *CRASHES, or_none=True, EVERY_CRASH_POINT="1")
    many = {"STAGING_TEST_PAYMENT_RUNS": "1000"}
    pytest(session, "-n2", "--timeout=7200", *PAYMENT_RUNS, or_none=True, **many)


@nox.session(venv_backend="none")
def api(session: nox.Session) -> None:
    """Twenty thousand requests that nobody thought of to the API, on each database."""
    pytest(session, "-n0", "-m", "full", "-s", ANY_REQUEST)


@nox.session(venv_backend="none")
def secrets(session: nox.Session) -> None:
    """No password, key or token in any file but those that ``.secrets.baseline`` knows as none."""
    listed = session.run("git", "ls-files", "-z", silent=True, external=True)
    files = [name for name in str(listed).split("\0") if name]
    search = (str(BIN / "detect-secrets-hook"), "--baseline", ".secrets.baseline", *files)
    session.run(*search, external=True, log=False)


@nox.session(venv_backend="none")
def audit(session: nox.Session) -> None:
    """Known vulnerabilities of the pinned packages; by hand, as it has to ask a service."""
    words = ("--strict", "--disable-pip", "--require-hashes", "--progress-spinner=off")
    try:
        run(session, "pip-audit", *words, "-r", PINNED, *session.posargs)
    except CommandFailed:
        session.error(
            "A package above has a vulnerability, or could not be asked about. This session has to "
            "reach the JSON API of PyPI itself (a mirror without vulnerabilities will not do), or "
            "with `nox -s audit -- --vulnerability-service osv` that of OSV."
        )


@nox.session(venv_backend="none")
def plugins(session: nox.Session) -> None:
    """The plugins, each against the kit."""
    tests_of(session, "plugins")


@nox.session(venv_backend="none")
def docs(session: nox.Session) -> None:
    """The site, in ``site/``; and that it loads nothing from elsewhere and its code blocks run."""
    run(session, "mkdocs", "build", "--strict")
    tests_of(session, "tests/docs")


@nox.session(venv_backend="none")
def bench(session: nox.Session) -> None:
    """Benchmarks: ``nox -s bench -- startup --json``."""
    run(session, "python", "-m", "benchmarks", *session.posargs)


@nox.session
def package(session: nox.Session) -> None:
    """The wheel, not the tree: install it with the pinned packages and stage a photo."""
    install_wheel(session)
    session.run("python", "-I", str(STAGE_FROM_WHEEL))


@nox.session
def minimal(session: nox.Session) -> None:
    """Core dependencies only, no extra: the embedded default must do without."""
    install_wheel(session)
    session.run("python", "-m", "pip", "uninstall", "--quiet", "--yes", "embreex")
    session.run("python", "-I", str(STAGE_FROM_WHEEL))


def install_wheel(session: nox.Session) -> None:
    """Build the wheel and install it beside exactly the pinned packages."""
    dist = session.create_tmp()
    build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", dist)
    run(session, "python", *build)
    wheel = max(Path(dist).glob("staging_core-*.whl"), key=os.path.getmtime)
    session.install("--require-hashes", "-r", RUNTIME)
    session.install("--no-deps", "--no-index", "--force-reinstall", str(wheel))
