"""The journal has every event once, in order per job, whatever happens."""

from __future__ import annotations

from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from staging_core.models import JobEvent
from staging_policy.journal import Journal


def event(position: int, job: str = "job-1") -> JobEvent:
    return JobEvent(
        position=position,
        account_id="local",
        job_id=job,
        image_id="image-1",
        group_id="group-1",
        seq=position,
        type="state",
        state="queued",
        at=0.0,
    )


def written(path: Path) -> list[JobEvent]:
    return [msgspec.json.decode(line, type=JobEvent) for line in path.read_bytes().splitlines()]


def test_an_event_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "journal.jsonl"

    Journal(path).add(event(1))

    assert written(path) == [event(1)]


def test_events_that_are_shown_again_are_written_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)

    for position in (1, 2, 2, 1, 2, 3):
        journal.add(event(position))

    assert [each.position for each in written(path)] == [1, 2, 3]


def test_another_process_knows_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    one, other = Journal(path), Journal(path)

    for journal, position in ((one, 1), (other, 1), (other, 2), (one, 2), (one, 3)):
        journal.add(event(position))

    assert [each.position for each in written(path)] == [1, 2, 3]


def test_jobs_do_not_hide_each_other(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)

    for each in (event(5, "late"), event(3, "early"), event(6, "early")):
        journal.add(each)

    assert [(each.job_id, each.position) for each in written(path)] == [
        ("late", 5),
        ("early", 3),
        ("early", 6),
    ]


@given(cut=st.integers(min_value=1, max_value=200))
def test_a_line_that_a_crash_cut_off_is_written_anew(tmp_path_factory: object, cut: int) -> None:
    path: Path = tmp_path_factory.mktemp("cut") / "journal.jsonl"  # type: ignore[attr-defined]
    Journal(path).add(event(1))
    whole = path.read_bytes()
    Journal(path).add(event(2))
    both = path.read_bytes()
    path.write_bytes(both[: max(len(whole), len(both) - cut)])

    Journal(path).add(event(2))

    assert path.read_bytes() == both
