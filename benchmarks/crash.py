"""Jobs while everything breaks, as the fault suite does it: what the faults cost, and what is lost.

Workers are killed every second or so, PostgreSQL and Redis crash and are flushed, the provider
misbehaves. The floor is the same deployment and as many jobs without any fault. Subject and floor
are jobs a second; gates: no invariant violated, no secret told, all jobs final at most 60 s after
the last fault, and workers that stop within 25 s.
"""

from __future__ import annotations

import argparse
import importlib
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.engine import cpu_s
from benchmarks.result import Result, peak_rss_mb

FINAL_S, STOP_S = 60.0, 25.0


def options(parser: argparse.ArgumentParser) -> None:
    """Which form of it."""
    parser.add_argument("--short", action="store_true", help="40 jobs instead of 1,000")
    parser.add_argument("--n", type=int, help="jobs (as many as the form has)")


def run(chosen: argparse.Namespace) -> Result:
    """Once without faults, once with them."""
    form = form_of(short=chosen.short)
    form = replace(form, jobs=chosen.n or form.jobs)
    calm = _report(replace(form, plan=(), kills=0, chaos={}))
    cpu = cpu_s()
    report = _report(form)
    cpu = cpu_s() - cpu
    return Result(
        name="crash",
        unit="jobs/s",
        subject=report.jobs_per_s,
        floor=calm.jobs_per_s,
        ratio=calm.jobs_per_s / report.jobs_per_s,
        cpu_us=cpu / report.jobs * 1e6,
        rss_mb=peak_rss_mb(),
        n=report.jobs,
        errors=[f"without faults: {error}" for error in _missed(calm)] + _missed(report),
        details={
            "final_after_s": report.final_after_s,
            "books_after_s": report.books_after_s,
            "stop_s": max(report.stop_s),
            "waste": report.waste,
            **{name.replace(" ", "_"): n for name, n in report.faults.items()},
            **{f"{kind}_per_job": n for kind, n in report.requests_per_job.items()},
        },
    )


def form_of(*, short: bool) -> Any:
    """The fault suite's own short or long form."""
    suite = _suite("test_all_faults_at_once")
    return suite.SHORT if short else suite.LONG


def _missed(report: Any) -> list[str]:
    errors = [*report.found, *report.leaks]
    if report.final_after_s > FINAL_S:
        errors.append(f"final {report.final_after_s:g} s after the last fault, {FINAL_S:g} allowed")
    if max(report.stop_s) > STOP_S or set(report.stop_codes) != {0}:
        errors.append(f"workers stopped after {report.stop_s} s with {report.stop_codes}")
    return errors


def _report(form: Any) -> Any:
    with tempfile.TemporaryDirectory() as home:
        return _suite("ordeal").ordeal(Path(home), form)


def _suite(module: str) -> Any:
    """A module of the fault suite, which is in the source tree as this is."""
    return importlib.import_module(f"tests.faults.{module}")
