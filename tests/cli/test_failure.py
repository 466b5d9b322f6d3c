"""What an error means to whoever called the command."""

from __future__ import annotations

import click
import pytest

from staging_core.cli.failure import failure_from, report
from staging_core.errors import (
    BadPicture,
    FileMissing,
    MissingExtra,
    NotHonoured,
    Shortfall,
    StagingError,
    StorageFull,
    UnknownScheme,
    UnknownStyle,
    UsageLimitExceeded,
)

from .conftest import Cli, Ran


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnknownStyle(), 2),
        (UnknownScheme(), 2),
        (MissingExtra(), 2),
        (NotHonoured(), 2),
        (click.UsageError("no"), 2),
        (BadPicture(), 1),
        (FileMissing(), 1),
        (StorageFull(), 1),
        (RuntimeError("a bug"), 1),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__,
)
def test_wrong_use_is_told_from_a_failed_job(error: BaseException, code: int) -> None:
    failure = failure_from(error)
    assert failure.exit_code == code
    assert all(failure.as_json().values())


def test_of_a_group_the_first_error_counts() -> None:
    group = ExceptionGroup("tasks", [ExceptionGroup("inner", [StorageFull()]), RuntimeError()])
    assert failure_from(group).code == "storage_full"


def test_what_a_plan_lacks_is_there_for_programs() -> None:
    lacks = Shortfall(plan_code="free", asked=3, left=1, missing_credits=2, period_end=86_400.0)
    told = failure_from(UsageLimitExceeded(shortfall=lacks)).as_json()
    assert told["shortfall"]["missing_credits"] == 2
    assert told["shortfall"]["period_end"] == 86_400.0
    assert "shortfall" not in failure_from(UsageLimitExceeded()).as_json()


def test_a_bug_is_shown_whole_beside_the_answer(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert report(RuntimeError("a bug"), as_json=True) == 1
    ran = Ran(1, *capfd.readouterr())
    assert ran.json["error"]["code"] == StagingError.code
    assert "RuntimeError: a bug" in ran.json["error"]["message"]
    assert "RuntimeError: a bug" in ran.err


def test_json_is_only_asked_for_before_two_dashes(cli: Cli) -> None:
    assert cli("room", "--", "--json").out == ""
    assert cli("room", "--json", "--", "missing.jpg").json["error"]["code"] == "file_missing"
