"""One line for each plugin and backend at the end of ``staging certify``."""

from __future__ import annotations

from collections import Counter

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many checks each subject passed."""
    counted: dict[str, Counter[str]] = {}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            suite = report.nodeid.split("::")[1] if "::" in report.nodeid else report.nodeid
            counted.setdefault(suite.removeprefix("Test_"), Counter())[outcome] += 1
    terminalreporter.section("certified" if not _failed(counted) else "not certified")
    for suite, outcomes in sorted(counted.items()):
        told = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items())
        mark = "not ok" if _failed({suite: outcomes}) else "ok"
        terminalreporter.line(f"{mark:7} {suite.replace('_', ' ')}: {told}")


def _failed(counted: dict[str, Counter[str]]) -> bool:
    return any(outcomes["failed"] + outcomes["error"] for outcomes in counted.values())
