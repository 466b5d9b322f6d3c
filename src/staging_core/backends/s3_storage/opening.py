"""Opens ``s3://bucket/prefix``: a session with credentials, and a client for each endpoint."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from typing import Any

from aiobotocore.session import AioSession, get_session  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]
from botocore.loaders import create_loader  # type: ignore[import-untyped]
from s3fs import S3FileSystem  # type: ignore[import-untyped]

from staging_core.errors import MissingSetting, SettingError
from staging_core.interfaces import OpenContext
from staging_core.urls import BackendURL

from .location import Location
from .storage import S3Storage

_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


@asynccontextmanager
async def open_s3(url: BackendURL, context: OpenContext) -> AsyncIterator[S3Storage]:
    """Open the bucket that the URL names; asks it nothing, so it may be away meanwhile.

    Credentials: ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY`` and ``AWS_SESSION_TOKEN``, else
    whatever botocore finds (profile, web identity, the machine's role). Region: the option, else
    ``AWS_REGION``, ``AWS_DEFAULT_REGION`` or the profile's; ``us-east-1`` with an endpoint of one's
    own. Raises ``SettingError`` or ``MissingSetting``.
    """
    location = Location.parse(url)
    session = _session()
    _take_keys(session, context)
    try:
        region = _region(location, session)
        if await session.get_credentials() is None:
            raise MissingSetting(
                f"{url} needs credentials: {' and '.join(_KEYS)} are not set.",
                remedy=f"Set {' and '.join(_KEYS)}, or give this machine a role.",
            )
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(
                _client(session, location, region, location.endpoint_url)
            )
            public = client
            if location.public_endpoint_url:
                public = await stack.enter_async_context(
                    _client(session, location, region, location.public_endpoint_url)
                )
            yield S3Storage(client, location, public=public, clock=context.clock)
    except BotoCoreError as error:
        raise SettingError(f"{url} cannot be opened: {type(error).__name__}.") from error


def _session() -> AioSession:
    """A session of its own; the service's description, 0.3 s to load, is shared."""
    session = get_session()
    session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
    return session


@cache
def _loader(path: str | None) -> Any:
    return create_loader(path)


@asynccontextmanager
async def _client(
    session: AioSession, location: Location, region: str, endpoint: str | None
) -> AsyncIterator[Any]:
    """The client that s3fs makes for this session; ours alone, and closed with it."""
    files = S3FileSystem(
        asynchronous=True,
        skip_instance_cache=True,
        session=session,
        endpoint_url=endpoint,
        client_kwargs={"region_name": region},
        config_kwargs={
            "signature_version": "s3v4",
            "s3": {"addressing_style": location.addressing},
            "retries": {"mode": "standard", "total_max_attempts": 4},
            "connect_timeout": 5,
            "read_timeout": 60,
            "max_pool_connections": 64,
            # Checksums beyond Content-MD5 are refused by services that do not know them yet.
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
        },
    )
    client = await files.set_session()
    try:
        yield client
    finally:
        await client.close()


def _take_keys(session: AioSession, context: OpenContext) -> None:
    """Prefer the installation's own secrets to what botocore would look for."""
    key, secret = (_secret(context, name) for name in _KEYS)
    if key and secret:
        session.set_credentials(key, secret, _secret(context, "AWS_SESSION_TOKEN"))
    elif key or secret:
        missing = _KEYS[1] if key else _KEYS[0]
        raise MissingSetting(f"{missing} is not set.", remedy=f"Set {missing} in the environment.")


def _secret(context: OpenContext, name: str) -> str | None:
    try:
        return context.secret(name)
    except MissingSetting:
        return None


def _region(location: Location, session: AioSession) -> str:
    found = location.region or os.environ.get("AWS_REGION") or session.get_config_variable("region")
    if found is None and location.endpoint_url is None:
        raise MissingSetting(
            f"The region of the bucket {location.bucket} is not known.",
            remedy="Set AWS_REGION in the environment, or the URL's option `region`.",
        )
    return found or "us-east-1"
