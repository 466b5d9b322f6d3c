"""The test classes of ``staging certify``; pytest collects them from here, in their own process."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from staging_core.config import Settings
from staging_core.errors import StagingError
from staging_core.hooks import PROVIDER_HOOKS, Hooks, Kind
from staging_core.interfaces import Stager, supports
from staging_core.plugins import BUILTIN, load_plugins
from staging_core.registry import ANY_SCHEME
from staging_core.testing import conformance
from staging_core.testing.certify import VARIABLE, CertifyOrder
from staging_core.testing.fake_photo import FakePhoto

_SUITES: dict[Kind, type[conformance.Conformance]] = {
    "storage": conformance.StorageConformance,
    "queue": conformance.QueueConformance,
    "auth": conformance.AuthConformance,
    "billing": conformance.BillingConformance,
}


class RoomStagerConformance(conformance.StagerConformance):
    """Shows a stager a believable empty room: one that reads geometry refuses a drawing."""

    def photo(self) -> FakePhoto:
        return _room()


@cache
def _room() -> FakePhoto:
    import cv2

    from staging_core.testing.rooms import make_room

    room = make_room(3)
    encoded = cv2.imencode(".png", room.picture[..., ::-1])[1]
    return FakePhoto.of(encoded.tobytes(), focal_px=room.camera.focal_px)


def suites(order: CertifyOrder) -> dict[str, type[conformance.Conformance]]:
    """The test classes by name: one for each plugin, one for each backend."""
    tables = Settings.from_env(os.environ).plugin_settings
    shared = {
        "plugins": order.plugins,
        "settings": {name: table for name, table in tables.items() if name in order.plugins},
    }
    made: dict[str, type[conformance.Conformance]] = {}
    for plugin in order.plugins:
        if plugin != BUILTIN:
            made |= _suite(conformance.PluginConformance, plugin, {**shared, "plugin": plugin})
    hooks = Hooks(load_plugins(order.plugins))
    for kind in PROVIDER_HOOKS:
        for plugin, provider in hooks.providers(kind).values():
            url = order.urls.get(provider.scheme, f"{provider.scheme}:")
            if plugin in order.plugins and not url.startswith(ANY_SCHEME):
                more = {**shared, "url": url, "keeps_in_memory": provider.in_memory}
                made |= _suite(_suite_of(kind, more), f"{kind} {url}", more)
    return made


def _suite(
    base: type[conformance.Conformance], subject: str, attributes: dict[str, Any]
) -> dict[str, type[conformance.Conformance]]:
    name = "Test_" + re.sub(r"\W+", "_", subject).strip("_")
    made = type(name, (base,), {**attributes, "__module__": __name__, "subject": subject})
    return {name: made}


def _suite_of(kind: Kind, attributes: dict[str, Any]) -> type[conformance.Conformance]:
    if kind != "stager":
        return _SUITES[kind]
    answers = type("Opened", (RoomStagerConformance,), attributes)
    return RoomStagerConformance if _answers(answers()) else conformance.DefersConformance


def _answers(suite: conformance.StagerConformance) -> bool:
    """Whether the stager answers in the call; one that cannot be opened fails its checks later."""

    async def opened() -> bool:
        with tempfile.TemporaryDirectory(prefix="certify-") as home:
            async with suite.open(Path(home)) as stager:
                return supports(stager, Stager) is not None

    try:
        return asyncio.run(opened())
    except StagingError:
        return True


if VARIABLE in os.environ:
    globals().update(suites(msgspec.json.decode(os.environ[VARIABLE], type=CertifyOrder)))
