"""Plugins made for a test, their hooks, and what these are given."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from staging_core.hooks import Hooks
from staging_core.hookspecs import hookimpl
from staging_core.models import Job, JobEvent, Picture, Principal, Provider, StageRequest
from staging_core.plugins import load_plugins

Install = Callable[..., str]
JOB = Job(
    id="j", image_id="i", group_id="g", account_id="a", state="staging", model="fake", attempts=1
)
PICTURE = Picture(data=b"png", content_type="image/png", width=4, height=3)
OTHER = Picture(data=b"other", content_type="image/png", width=4, height=3)
REQUEST = StageRequest(room="bedroom", style="modern", seed=7)
ME = Principal(account_id="a")
EVENT = JobEvent(
    position=1,
    account_id="a",
    job_id="j",
    image_id="i",
    group_id="g",
    seq=1,
    type="state",
    state="queued",
    at=0.0,
)
STAGING: Any = object()


def plugin(name: str = "acme", **functions: Any) -> object:
    """A plugin whose hooks are ``functions``, without their prefix."""
    marked = {f"staging_{hook}": hookimpl(function) for hook, function in functions.items()}
    return SimpleNamespace(name=name, **marked)


def hooks(*plugins: object, time_limit_s: float = 5.0, builtin: bool = False) -> Hooks:
    return Hooks(load_plugins(plugins, include_builtin=builtin), time_limit_s)


def provider(scheme: str = "acme", **more: Any) -> Provider:
    return Provider(scheme=scheme, opens="acme.stager:open_acme", summary="Acme", **more)
