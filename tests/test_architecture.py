"""The house's rules, read from the syntax trees: who may import whom, and what stays unimported."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import staging_core

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "src/staging_core"

# A module imports from its own line and the lines above it, never from below.
STOREYS = (
    ("errors", "event_loop", "nearest", "recent", "retry_after", "text"),
    ("error_codes", "models"),
    ("urls", "uses"),
    ("interfaces", "prompts", "disclosure"),
    ("imaging", "telemetry"),
    ("hookspecs", "config", "timed_call", "builtin"),
    ("plugins", "hooks", "open_context", "registry", "stagers"),
    ("states", "download", "own_address", "file_kind"),
    ("database", "scoped", "profile_change"),
    ("ports", "sign_in", "key_book", "key_making", "creation", "honour", "admission", "lockout"),
    ("sealing", "model_config", "runtime_settings"),
    ("webhooks",),
    ("relay",),
    ("watch", "live", "follower", "rates", "readiness", "levels", "standings", "reservation"),
    ("reserving", "settled_elsewhere"),
    ("photo", "lease", "landing", "fallback", "settlement", "spending"),
    ("kept_photo", "model_input", "uploading", "source", "submission", "serving", "signed_objects"),
    (
        "predictions",
        "tally",
        "held",
        "delivery",
        "repetition",
        "deletion",
        "reconcile",
        "archive",
        "account_closing",
        "account_export",
    ),
    ("answered", "awaited", "reception", "payments"),
    ("deferred",),
    ("observation", "upkeep"),
    ("pipeline", "recovery", "audit"),
    ("worker", "profile", "tickets"),
    ("api_keys",),
    ("acting",),
    ("remote",),
    ("operating",),
    ("staging",),
    ("blocking", "staged_picture"),
    ("cli", "testing"),
    ("__main__",),
)
LEVEL = {name: level for level, names in enumerate(STOREYS) for name in names}
# All that a backend or a plugin may know of us.
FOR_BACKENDS = {"errors", "models", "interfaces", "urls", "imaging", "prompts", "retry_after"}
FOR_PLUGINS = FOR_BACKENDS | {"hookspecs"}
# An app stands on the public names beside these: it holds no rule of its own.
FOR_APPS = {"errors", "event_loop", "models", "interfaces", "telemetry", "text"}
# Models' cards are data: the declaration of our own backends may read them.
CARDS = {"staging_core.backends.render.card", "staging_core.testing.fake_card"}
FRAMEWORKS = {"litestar", "fastapi", "starlette", "django", "flask"}
NAMELESS = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}


def files() -> list[Path]:
    """Every module of ours, with the plugins' and the apps'."""
    sources = [CORE, *(ROOT / "plugins").glob("*/src"), *(ROOT / "apps").glob("*/src")]
    return sorted(path for source in sources for path in source.rglob("*.py"))


def module_of(path: Path) -> str:
    """The dotted name of a file under some ``src``."""
    parts = path.relative_to(next(up for up in path.parents if up.name == "src")).with_suffix("")
    return ".".join(part for part in parts.parts if part != "__init__")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that a file imports when it runs, also late."""
    tree = ast.parse(path.read_text("utf-8"))
    package = module_of(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in running(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"


def running(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but those under ``if TYPE_CHECKING``."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from running(child)


def ours(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line, full name and top-level part of what a file imports from ``staging_core``."""
    for line, name in imports(path):
        parts = name.split(".")
        if parts[0] == "staging_core" and len(parts) > 1 and parts[1] != "__version__":
            # The public names are lazy: each stands for the module that it is from.
            part = staging_core._HOMES.get(parts[1], parts[1])
            yield line, name, part


def place(path: Path, line: int, name: str) -> str:
    return f"{path.relative_to(ROOT)}:{line} imports {name}"


def core_files() -> list[Path]:
    """The core's modules but the backends."""
    return [
        path
        for path in files()
        if path.is_relative_to(CORE)
        and path.parent != CORE.parent
        and not path.is_relative_to(CORE / "backends")
        and path != CORE / "__init__.py"
    ]


def part_of(path: Path) -> str:
    """The top-level part of the core that a file belongs to."""
    return path.relative_to(CORE).parts[0].removesuffix(".py")


def test_every_part_of_the_core_has_its_storey() -> None:
    homeless = {part_of(path) for path in core_files()} - LEVEL.keys()
    assert not homeless, f"give them a line in STOREYS: {sorted(homeless)}"


def test_nothing_is_imported_from_a_storey_above() -> None:
    wrong = [
        place(path, line, name)
        for path in core_files()
        for line, name, part in ours(path)
        if part in LEVEL
        and LEVEL[part] > LEVEL[part_of(path)]
        and name.rpartition(".")[0] not in CARDS
    ]
    assert not wrong


def test_the_core_knows_its_backends_only_as_text() -> None:
    free = {"cli", "testing"}
    wrong = [
        place(path, line, name)
        for path in core_files()
        for line, name, part in ours(path)
        if part == "backends" and part_of(path) not in free and name.rpartition(".")[0] not in CARDS
    ]
    assert not wrong


def test_a_backend_knows_the_contracts_and_no_other_backend() -> None:
    wrong = []
    for path in files():
        if not path.is_relative_to(CORE / "backends"):
            continue
        own = path.relative_to(CORE / "backends").parts[0].removesuffix(".py")
        for line, name, part in ours(path):
            itself = name.startswith(f"staging_core.backends.{own}")
            if part not in FOR_BACKENDS and not itself:
                wrong.append(place(path, line, name))
    assert not wrong


def test_a_plugin_knows_the_contracts_as_an_outsider_would() -> None:
    wrong = [
        place(path, line, name)
        for path in files()
        if path.is_relative_to(ROOT / "plugins")
        for line, name, part in ours(path)
        if part not in FOR_PLUGINS
    ]
    assert not wrong


def test_an_app_knows_the_public_names_only() -> None:
    wrong = [
        place(path, line, name)
        for path in files()
        if path.is_relative_to(ROOT / "apps")
        for line, name, part in ours(path)
        if part not in FOR_APPS and name.removeprefix("staging_core.") not in staging_core._HOMES
    ]
    assert not wrong


def test_the_core_knows_no_web_framework() -> None:
    wrong = [
        place(path, line, name)
        for path in files()
        if path.is_relative_to(CORE)
        for line, name in imports(path)
        if name.split(".")[0] in FRAMEWORKS
    ]
    assert not wrong


def test_no_part_of_the_core_imports_itself_in_a_circle() -> None:
    needs: dict[str, set[str]] = {}
    for path in core_files():
        tree = ast.parse(path.read_text("utf-8"))
        at_once = {
            node.lineno for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))
        }
        needs.setdefault(part_of(path), set()).update(
            part for line, _, part in ours(path) if line in at_once and part != part_of(path)
        )
    settled: set[str] = {"backends"}
    while ready := {part for part in needs if part not in settled and needs[part] <= settled}:
        settled |= ready
    assert not needs.keys() - settled, {
        part: needs[part] - settled for part in needs.keys() - settled
    }


def test_a_file_is_named_for_what_it_holds() -> None:
    assert not [path for path in files() if NAMELESS & set(path.stem.split("_"))]


def test_a_file_can_be_read_in_one_sitting() -> None:
    long = {path: path.read_text("utf-8").count("\n") for path in files()}
    assert not {str(path): lines for path, lines in long.items() if lines > 400}


# --- what stays unimported -----------------------------------------------------------------------

LOADED = "import sys, json; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"


def loaded(statement: str) -> set[str]:
    """The top-level modules outside the standard library that ``statement`` brings in."""

    def run(code: str) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
        )
        return set(json.loads(done.stdout.splitlines()[-1]))

    return run(f"{statement}\n{LOADED}") - run(LOADED) - sys.stdlib_module_names


# msgspec uses typing_extensions where it is there, from the first struct on.
ALLOWED = loaded("import msgspec, msgspec._utils, pluggy") | {"staging_core"}


@pytest.mark.parametrize(
    "statement",
    [
        "import staging_core",
        "from staging_core import hookimpl, Settings, StageRequest, StagingError",
        "import staging_core.registry, staging_core.builtin",
        "from staging_core.builtin import *; staging_stagers(); staging_storages()",
    ],
)
def test_importing_the_core_loads_only_msgspec_and_pluggy(statement: str) -> None:
    assert loaded(statement) <= ALLOWED


def test_the_measure_is_as_small_as_it_says() -> None:
    assert {"staging_core", "msgspec", "pluggy", "typing_extensions"} >= ALLOWED


def test_building_a_plugin_world_imports_no_backend() -> None:
    names = loaded(
        "from staging_core.hooks import Hooks\n"
        "from staging_core.plugins import load_plugins\n"
        "Hooks(load_plugins([])).providers('storage')\n"
        "import sys; assert not [n for n in sys.modules if 'fsspec' in n or 'cli' in n.split('.')]"
    )
    assert names <= ALLOWED


def test_the_command_lines_help_imports_no_plugin_and_nothing_heavy() -> None:
    names = loaded(
        "import contextlib, io, sys\n"
        "from staging_core.cli.main import run\n"
        "with contextlib.redirect_stdout(io.StringIO()) as told: run(['--help'])\n"
        "assert 'doctor' in told.getvalue()\n"
        "assert 'importlib.metadata' not in sys.modules, 'entry points were looked for'"
    )
    assert names <= ALLOWED | {"click"}


# --- the rules can be broken ---------------------------------------------------------------------


def test_imports_are_seen_wherever_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "src/staging_core/database/jobs.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        "from typing import TYPE_CHECKING\n"
        "from . import tables\n"
        "from ..errors import NotFound\n"
        "if TYPE_CHECKING:\n    from staging_core.staging import Staging\n"
        "def late():\n    import django.db\n"
    )
    assert list(imports(path)) == [
        (1, "typing.TYPE_CHECKING"),
        (2, "staging_core.database.tables"),
        (3, "staging_core.errors.NotFound"),
        (7, "django.db"),
    ]
