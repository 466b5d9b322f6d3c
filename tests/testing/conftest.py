"""A double of Replicate, the vendor's own client, and a photo to work on."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from replicate.client import Client

from staging_core.testing.replicate import Chaos, RunningReplicate, Settings, running_replicate
from staging_core.testing.unusual import quadrants

from .receiver import Receiver, receiving

Start = Callable[..., RunningReplicate]
Connect = Callable[..., Client]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a double with these settings and this chaos; stopped after the test."""
    with ExitStack() as opened:

        def started(chaos: Chaos | None = None, **settings: Any) -> RunningReplicate:
            return opened.enter_context(running_replicate(Settings(**settings), chaos))

        yield started


@pytest.fixture
def replicate(start: Start) -> RunningReplicate:
    """A double that behaves."""
    return start()


@pytest.fixture(scope="session")
def transport() -> Iterator[httpx.HTTPTransport]:
    """The connections of all clients: to make one takes longer than most tests."""
    with httpx.HTTPTransport() as transport:
        yield transport


@pytest.fixture
def web(transport: httpx.HTTPTransport) -> httpx.Client:
    """A client of no vendor."""
    return httpx.Client(transport=transport)


@pytest.fixture
def connect(transport: httpx.HTTPTransport) -> Connect:
    """Makes the vendor's client, unmodified, for a double."""

    def connected(replicate: RunningReplicate) -> Client:
        token = replicate.token
        client = Client(api_token=token, base_url=replicate.url, transport=transport)
        client.poll_interval = 0.01
        return client

    return connected


@pytest.fixture
def client(replicate: RunningReplicate, connect: Connect) -> Client:
    """The vendor's client for the double that behaves."""
    return connect(replicate)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server that takes callbacks."""
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def photo() -> bytes:
    """A PNG of 240 x 160 pixels."""
    buffer = io.BytesIO()
    quadrants((240, 160)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def staged(photo: bytes) -> dict[str, Any]:
    """An input for ``qwen/qwen-image-edit``."""
    return {"image": data_uri(photo), "prompt": "a sofa", "seed": 7, "output_format": "png"}


def data_uri(data: bytes) -> str:
    """The bytes as a data URI."""
    return "data:image/png;base64," + base64.b64encode(data).decode()
