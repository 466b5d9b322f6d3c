"""A worker goes on while the schema of the next version comes in under it, and after.

There is no released version before this one, so the next is made up: a migration that expands and
says that today's code may run on it. What this proves is the rule for every later migration: code
of version N works on schema N+1, under load, in running and in newly started processes.
"""

from __future__ import annotations

import asyncio
import random
import shutil
from pathlib import Path

import sqlalchemy as sa

from staging_core import Settings
from staging_core.database import schema
from staging_core.database.engine import open_database

from .client import Client
from .deployment import Deployment, deployed
from .judgement import judging
from .workers import working

JOBS = 12
NEXT = f'''
import sqlalchemy as sa
from alembic import op

revision, down_revision, oldest = "9000", "{schema.HEAD}", "{schema.HEAD}"
branch_labels = depends_on = None


def upgrade() -> None:
    op.add_column("staging_jobs", sa.Column("note", sa.Text(), server_default="", nullable=False))
    op.create_table("staging_notes", sa.Column("id", sa.String(64), primary_key=True))
    op.create_index("ix_staging_jobs_note", "staging_jobs", ["note"])
'''


async def expand(deployment: Deployment, migrations: Path) -> None:
    """What ``staging db upgrade`` of the next version does."""
    shutil.copytree(schema.MIGRATIONS, migrations)
    (migrations / "versions/9000_next.py").write_text(NEXT)
    settings = Settings.from_keywords(**deployment.settings, plugins=())
    async with open_database(settings, owner=True) as owner:
        assert await schema.upgrade(owner, migrations=migrations) == (schema.HEAD, "9000")
        async with owner.read() as tx:
            assert await tx.row(sa.text("SELECT count(note) FROM staging_jobs")) is not None


def test_running_and_new_workers_go_on_when_the_next_schema_comes(tmp_path: Path) -> None:
    async def scenario(deployment: Deployment) -> None:
        async with deployment.client() as staging, judging(deployment) as judge:
            client = Client(staging, random.Random(7), impatience=0, whims=0)  # noqa: S311
            with working(deployment, 1):
                ordering = asyncio.create_task(client.submit(JOBS, variants=3))
                await judge.wait_until_some_are_at_work(within_s=90)
                await expand(deployment, tmp_path / "migrations")
                with working(deployment, 1):  # of today's version, started on the next schema
                    await ordering
                    await judge.wait_until_all_ended(JOBS, within_s=180)
            assert (await judge.outcomes()) == {"ready": JOBS}
            assert (await judge.wait_until_books_agree(client.accepted, 30))[1] == []

    with deployed(tmp_path / "deployment", provider=["--run-s", "0.3"]) as deployment:
        asyncio.run(scenario(deployment))
