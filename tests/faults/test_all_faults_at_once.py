"""Jobs while everything breaks: none lost, none made or paid twice, nothing left behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from .ordeal import CHAOS, Form, ordeal
from .report import Report

SHORT = Form(
    jobs=40,
    workers=2,
    seed=20_260_301,
    plan=((0.1, "crash_postgres"), (0.3, "kill_redis"), (0.5, "flush_redis")),
    kills=4,
    until=0.6,
    longest_s=120.0,
    chaos={**CHAOS, "lost-answer": 0.1, "failed": 0.1, "garbage": 0.1, "stall": 0.0},
)
AT_A_BUCKET = replace(SHORT, jobs=20, seed=20_260_303, kills=3, bucket=True)
LONG = Form(
    jobs=1000,
    workers=4,
    seed=20_260_302,
    plan=(
        (0.15, "crash_postgres"),
        (0.25, "flush_redis"),
        (0.35, "kill_redis"),
        (0.45, "crash_postgres"),
        (0.55, "flush_redis"),
        (0.65, "crash_postgres"),
        (0.75, "kill_redis"),
    ),
    longest_s=2400.0,
)


def check(report: Report) -> None:
    print(report.text())
    assert report.found == []
    assert report.leaks == []
    assert set(report.stop_codes) == {0}
    assert max(report.stop_s) <= 25


def test_forty_jobs_through_all_faults(tmp_path: Path) -> None:
    report = ordeal(tmp_path, SHORT)
    check(report)
    assert report.faults["crash_postgres"] == 1


def test_twenty_jobs_whose_pictures_lie_in_a_bucket_through_all_faults(tmp_path: Path) -> None:
    report = ordeal(tmp_path, AT_A_BUCKET)
    check(report)
    assert report.faults["crash_postgres"] == 1


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_a_thousand_jobs_through_all_faults(tmp_path: Path) -> None:
    report = ordeal(tmp_path, LONG)
    check(report)
    assert report.final_after_s <= 60
