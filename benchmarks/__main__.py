"""``python -m benchmarks``: lists them. ``python -m benchmarks NAME [--json]``: runs one."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from types import ModuleType

import msgspec

import benchmarks
from benchmarks.result import Result


def found(asked: str) -> dict[str, ModuleType]:
    """The one asked for, or else all modules of this package that can run, by name."""
    names = [item.name for item in pkgutil.iter_modules(benchmarks.__path__)]
    wanted = [asked] if asked in names else [name for name in names if not name.startswith("_")]
    modules = {name: importlib.import_module(f"benchmarks.{name}") for name in wanted}
    return {name: module for name, module in modules.items() if hasattr(module, "run")}


def main(arguments: list[str]) -> int:
    """Run what was asked for; 1 when the benchmark missed a gate."""
    modules = found(arguments[0] if arguments else "")
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=benchmarks.__doc__)
    names = parser.add_subparsers(dest="name", metavar="NAME")
    for name, module in modules.items():
        summary = (module.__doc__ or "").splitlines()[0]
        one = names.add_parser(name, help=summary, description=module.__doc__)
        one.add_argument("--json", action="store_true", help="one JSON object")
        if hasattr(module, "options"):
            module.options(one)
    chosen = parser.parse_args(arguments)
    if chosen.name is None:
        parser.print_help()
        return 0
    result: Result = modules[chosen.name].run(chosen)
    print(msgspec.json.encode(result).decode() if chosen.json else "\n".join(result.lines()))
    return 1 if result.errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
