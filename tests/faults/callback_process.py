"""``python callback_process.py PORT``: a web process with nothing but the callback route."""

from __future__ import annotations

import asyncio
import sys

import uvicorn

from staging_core import Staging
from staging_embed import staging_app


async def serve(port: int) -> None:
    """Answer until stopped."""
    async with Staging.from_env(worker=False, role="api") as staging:
        config = uvicorn.Config(
            staging_app(staging, include={"callbacks"}),
            port=port,
            log_level="warning",
            access_log=False,
        )
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
