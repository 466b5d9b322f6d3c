"""What starting costs: ``staging --help`` and ``import staging_core`` against a bare Python.

Gates: at most ten times a bare Python, and what is loaded: msgspec and pluggy by the import; those,
click and no plugin by the help.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from statistics import median

from benchmarks.result import Result, peak_rss_mb

BARE = "pass"
IMPORT = "import staging_core"
HELP = (
    "import sys; sys.argv = ['staging', '--help']; from staging_core.cli.main import main; main()"
)
LOADED = """
import sys
before = set(sys.modules)
try:
    {code}
except SystemExit:
    pass
loaded = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print("loaded:", *sorted(loaded - sys.stdlib_module_names))
"""
ALLOWED = {
    "import": {"staging_core", "msgspec", "pluggy"},
    # msgspec itself takes typing_extensions where it is installed
    "help": {"staging_core", "msgspec", "typing_extensions", "pluggy", "click"},
}
LIMIT = 10.0


def options(parser: argparse.ArgumentParser) -> None:
    """How often."""
    parser.add_argument("--repeat", type=int, default=15, help="starts of each kind (15)")


def run(chosen: argparse.Namespace) -> Result:
    """Start each in turn; the help's median counts."""
    codes = {"bare": BARE, "import": IMPORT, "help": HELP}
    taken: dict[str, list[float]] = {name: [] for name in codes}
    for code in codes.values():
        start(code)  # fills the caches
    cpu = 0.0
    for _ in range(chosen.repeat):
        for name, code in codes.items():
            before = cpu_s()
            taken[name].append(start(code))
            cpu += cpu_s() - before if name == "help" else 0.0
    medians = {name: median(times) * 1000 for name, times in taken.items()}
    ratios = {name: medians[name] / medians["bare"] for name in ("import", "help")}
    return Result(
        name="startup",
        unit="ms",
        subject=medians["help"],
        floor=medians["bare"],
        ratio=ratios["help"],
        cpu_us=cpu / chosen.repeat * 1e6,
        rss_mb=peak_rss_mb(resource.RUSAGE_CHILDREN),
        n=chosen.repeat,
        errors=missed(ratios),
        details={"import_ms": medians["import"], "import_ratio": ratios["import"]},
    )


def start(code: str) -> float:
    """Seconds that a Python takes to run ``code`` and end."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def cpu_s() -> float:
    """CPU seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def loaded(code: str) -> set[str]:
    """Top-level modules beyond the standard library that ``code`` brings in."""
    script = LOADED.format(code=code)
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    return set(done.stdout.rpartition("loaded:")[2].split())


def missed(ratios: dict[str, float]) -> list[str]:
    """What is over its limit or loads too much."""
    errors = [
        f"{name} takes {ratio:.1f} times a bare Python"
        for name, ratio in ratios.items()
        if ratio > LIMIT
    ]
    for name, code in (("import", IMPORT), ("help", HELP)):
        extra = sorted(loaded(code) - ALLOWED[name])
        errors += [f"{name} loads {', '.join(extra)}"] if extra else []
    return errors
