"""A stager, a storage and an observer: the plugin to copy. Backends are imported when used."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from staging_core.hookspecs import hookimpl
from staging_core.models import BillingEvent, ModelCard, Provider

log = logging.getLogger(__name__)
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


@hookimpl
def staging_billing_event(event: BillingEvent) -> None:
    """Say so when an account has used up its plan; after a crash it is said again."""
    if event.type == "allowance.spent":
        log.info("account %s has used up its plan", event.account_id)
