"""Whether the process lives, and whether it can work."""

from __future__ import annotations

from typing import Literal

import msgspec

from staging_embed.access import anyone
from staging_embed.answer import Answer
from staging_embed.call import Call
from staging_embed.routing import Routes

health = Routes("health", prefix="")
_nothing_of_anybody = anyone("it says nothing of any account")


class Alive(msgspec.Struct, frozen=True):
    """The process answers."""

    status: Literal["ok"] = "ok"
    service: str = "staging"


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """What this process needs: ``ok``, or what fails in a plain phrase, by name."""

    status: Literal["ready", "not_ready"]
    checks: dict[str, str]


@health.get("/health", _nothing_of_anybody, counted=False)
async def get_health(call: Call) -> Alive:
    """Whether the process is alive.

    Asks nothing of the database or any other backend, so it answers while they are down.
    """
    return Alive()


@health.get("/ready", _nothing_of_anybody, counted=False, also={503: Readiness})
async def get_readiness(call: Call) -> Answer[Readiness]:
    """Whether the process can work: the database, the storage and the queue answer.

    503 names what fails; a new process is sent requests when nothing does.
    """
    checks = await call.staging.readiness()
    ready = all(told == "ok" for told in checks.values())
    told = Readiness(status="ready" if ready else "not_ready", checks=checks)
    return Answer(told, status=200 if ready else 503)
