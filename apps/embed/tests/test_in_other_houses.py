"""Mounted in FastAPI, Starlette and Litestar: opened with the host, reached under its path."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from litestar import Litestar, get
from starlette.applications import Starlette
from starlette.routing import Mount

from staging_core import Staging
from staging_embed import StagingPlugin, staging_app, staging_lifespan

from .house import API, OWN, as_own, by_token, listening, photo
from .sse import following

ALL = {"principal": by_token, "include": {"me", "events", "images", "documentation", "health"}}


def in_fastapi(staging: Staging) -> Any:
    app = FastAPI(lifespan=staging_lifespan(staging))
    app.mount("/studio/staging", staging_app(staging, **ALL))
    return app


def in_starlette(staging: Staging) -> Any:
    mount = Mount("/studio/staging", staging_app(staging, **ALL))
    return Starlette(routes=[mount], lifespan=staging_lifespan(staging))


@get("/own")
async def own() -> str:
    """A page of the host's."""
    return "own"


def in_litestar(staging: Staging) -> Any:
    return Litestar([own], plugins=[StagingPlugin(staging, path="/studio/staging", **ALL)])


@asynccontextmanager
async def hosted(build: Any, home: Path) -> AsyncIterator[tuple[Staging, str]]:
    """The host behind a real server, its lifespan included."""
    staging = Staging(home=home, stager="fake:", plugins=(), worker=False)
    async with listening(build(staging), lifespan="on") as url:
        yield staging, url


@pytest.mark.parametrize("build", [in_fastapi, in_starlette, in_litestar])
def test_it_is_reached_under_the_hosts_path(tmp_path: Path, build: Any) -> None:
    async def scenario() -> None:
        async with hosted(build, tmp_path) as (staging, root):
            url = f"{root}/studio/staging"
            async with httpx.AsyncClient(base_url=url) as client:
                me = await client.get(f"{API}/me", headers=as_own())
                assert me.json()["account_id"] == "own"
                assert (await client.get(f"{API}/me")).json()["code"] == "unauthorized"
                assert (await client.get(f"{API}/nothing")).json()["code"] == "not_found"
                told = (await client.get("/schema/openapi.json")).json()
                assert told["servers"] == [{"url": url}]
                group = await staging.acting_as(OWN).images.submit(
                    photo(), room="bedroom", style="modern"
                )
                path = f"{API}/images/{group.images[0].id}"
                image = (await client.get(path, headers=as_own())).json()
                assert image["original_url"] == f"{url}{path}/pictures/original"
            async with following(url, as_own(), image_id=group.images[0].id) as stream:
                assert [(await anext(stream)).event for _ in range(2)] == [
                    "connected",
                    "job_update",
                ]

    asyncio.run(scenario())


def test_a_host_of_litestar_keeps_its_own_pages(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with (
            hosted(in_litestar, tmp_path) as (_, url),
            httpx.AsyncClient(base_url=url) as client,
        ):
            assert (await client.get("/own")).text == "own"
            assert (await client.get("/elsewhere")).status_code == 404

    asyncio.run(scenario())


def test_a_host_may_have_a_lifespan_of_its_own(tmp_path: Path) -> None:
    seen: list[str] = []
    staging = Staging(home=tmp_path, stager="fake:", plugins=(), worker=False)

    @asynccontextmanager
    async def inner(_: Any) -> AsyncIterator[None]:
        assert staging.ports is not None  # open already
        seen.append("in")
        yield
        seen.append("out")

    async def scenario() -> None:
        app = Starlette(lifespan=staging_lifespan(staging, inner))
        async with listening(app, lifespan="on"):
            assert seen == ["in"]
        assert seen == ["in", "out"]

    asyncio.run(scenario())
