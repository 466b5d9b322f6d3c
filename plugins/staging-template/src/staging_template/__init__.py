"""A stager and a storage: the plugin to copy. Only data here; backends are imported when used."""

from __future__ import annotations

from collections.abc import Iterable

from staging_core.hookspecs import hookimpl
from staging_core.models import ModelCard, Provider

CARD = ModelCard(id="frame", name="Picture frame", honours=frozenset({"seed"}), in_flight=4)


@hookimpl
def staging_stagers() -> Iterable[Provider]:
    """The stager of ``frame:``."""
    opens = "staging_template.stager:open_frame"
    return [Provider(scheme="frame", opens=opens, summary="Hangs a frame.", cards=(CARD,))]


@hookimpl
def staging_storages() -> Iterable[Provider]:
    """The storage of ``dict:``."""
    opens = "staging_template.storage:open_dict"
    return [
        Provider(scheme="dict", opens=opens, summary="Keeps objects in a dict.", in_memory=True)
    ]
