"""What the audit is there for: rows that were written by nobody's rule are named."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from staging_core.audit import SOUND, Audit, Evidence
from staging_core.database import accounts, tables

from .house import staged_house

NOT_TOLD = "what-only-a-provider-knows"
_EVENTS, _JOBS = tables.events, tables.jobs
_FIRST_JOB = sa.select(sa.func.min(_JOBS.c.id)).scalar_subquery()

FALSE = {
    "an event is missing in the middle": (
        _EVENTS.delete().where(_EVENTS.c.job_id == _FIRST_JOB, _EVENTS.c.seq == 2),
        {"I7": 2},  # of the job's log, and of the account's positions
    ),
    "a job has no event at all": (
        _EVENTS.delete().where(_EVENTS.c.job_id == _FIRST_JOB),
        {"I7": 2},
    ),
    "an event tells of a move that cannot be": (
        _EVENTS.update()
        .where(_EVENTS.c.job_id == _FIRST_JOB, _EVENTS.c.seq == 2)
        .values(state="ready"),
        {"I7": 1},
    ),
    "an account's position is behind its events": (
        tables.accounts.update().where(tables.accounts.c.position > 1).values(position=1),
        {"I7": 1},
    ),
    "a message tells a secret": (
        _JOBS.update().where(_JOBS.c.id == _FIRST_JOB).values(message=f"sent {NOT_TOLD} there"),
        {"I10": 1},
    ),
    "a report tells a signed address": (
        _JOBS.update()
        .where(_JOBS.c.id == _FIRST_JOB)
        .values(report={"seen": "https://bucket.example/a?X-Amz-Signature=ab12"}),
        {"I10": 1},
    ),
    "an object lies in another account's folder": (
        tables.files.update()
        .where(tables.files.c.kind == "original")
        .values(account_id="somebody-else"),
        {"I8": 1},
    ),
}


@pytest.mark.parametrize("name", FALSE)
def test_what_no_rule_has_written_is_found(tmp_path: Path, name: str) -> None:
    falsify, wrong = FALSE[name]

    async def scenario() -> None:
        async with staged_house(tmp_path, variants=2) as house:
            evidence = Evidence(secrets=(NOT_TOLD,))
            assert await Audit(house.ports).count(evidence) == SOUND
            async with house.ports.database.write() as tx:
                await accounts.ensure(tx, "somebody-else")
                await tx.execute(falsify)
            assert await Audit(house.ports).count(evidence) == {**SOUND, **wrong}

    asyncio.run(scenario())
