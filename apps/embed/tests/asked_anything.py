"""A server to ask anything of, as a process: ``python asked_anything.py SETTINGS_AS_JSON``.

It prints where it listens. Everything is served, and who has the token operates the installation.
It has something of each kind, works on nothing, and reaches no other host.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import uvicorn

from staging_core import Credentials, Principal, Staging
from staging_core.download import outbound
from staging_core.errors import Unauthorized
from staging_core.testing.fake_photo import small_photo
from staging_embed import staging_app
from staging_embed.routes import GROUPS

TOKEN = "of-the-operator"  # noqa: S105
# Of each run another one, which has nothing of what the one before has left in the database.
WHO = Principal(account_id=f"account-{uuid4()}", user_id="olga", role="operator")
AT_WILL = dict.fromkeys(
    (
        "rate_limit_requests",
        "rate_limit_creates",
        "rate_limit_address",
        "rate_limit_failures",
        "max_queued",
    ),
    1_000_000_000,
)


def by_token(credentials: Credentials) -> Principal | None:
    """Who asks."""
    if credentials.bearer not in (None, TOKEN):
        raise Unauthorized()
    return WHO if credentials.bearer else None


async def nowhere(host: str, port: int) -> list[str]:
    """No name leads anywhere."""
    raise socket.gaierror(f"{host}:{port} is not looked up here")


async def furnish(staging: Staging) -> None:
    """Something of each kind, in each state that a thing can be in; settings are as they were."""
    settings = staging.operating_as(WHO).settings
    for each in await settings.all():
        await settings.change(each.key, None)
    me = staging.acting_as(WHO)
    project = await me.projects.create("Elm Street 12")
    wish: dict[str, Any] = {"room": "bedroom", "style": "modern", "project_id": project.id}
    for number in range(3):
        await me.images.submit(small_photo(number), variants=2, **wish)
    await staging.run_worker(until_idle=True)
    await me.images.cancel((await me.images.submit(small_photo(3), **wish)).images[0].id)
    await me.images.submit(small_photo(4), **wish)
    await me.uploads.receive(_whole(small_photo(5)), "room.png")
    await me.uploads.presign("room.jpg", "image/jpeg", 1000)
    await me.keys.create("of a machine", scopes=["images:read"])
    endpoint = (await me.webhooks.create("https://crm.example/hook")).endpoint
    await me.webhooks.test(endpoint.id)
    await me.profile.patch({"full_name": "Olga"})


async def any_number(_: str) -> int:
    """So many requests a minute, whatever operators choose: who asks anything asks that too."""
    return 1_000_000_000


async def _whole(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def serve(settings: dict[str, Any]) -> None:
    """Until it is told to end."""
    usual = {"stager": "fake:", "plugins": (), "worker": False, "secret_key": "0123456789abcdef"}
    async with Staging(**usual, **AT_WILL, **settings) as staging:
        await furnish(staging)
        staging.rates._limit = any_number  # type: ignore[method-assign]
        app = staging_app(staging, principal=by_token, include=GROUPS.keys())
        app.end_streams()  # each tells what there is and ends, instead of going on
        config = uvicorn.Config(app, log_config=None, lifespan="off")
        with socket.create_server(("127.0.0.1", 0)) as door:
            door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            print(f"http://127.0.0.1:{door.getsockname()[1]}", flush=True)
            await uvicorn.Server(config).serve(sockets=[door])


if __name__ == "__main__":
    outbound.addresses_of = nowhere
    asyncio.run(serve(json.loads(sys.argv[1])))
