"""Backends that break one sentence of a contract each, to show that the suites catch it.

Every row names a suite, with the broken backend in it, and the checks that must fail: those and no
others. Somebody who extends a contract adds a row here.
"""

from __future__ import annotations

from .auth import BROKEN_AUTH
from .billing import BROKEN_BILLING
from .carrying import BROKEN_CARRYING
from .deferred import BROKEN_DEFERRED
from .opener import BROKEN_OPENERS
from .payments import BROKEN_PAYMENTS
from .plugin import BROKEN_PLUGINS
from .presigning import BROKEN_CAPABILITIES
from .queue import BROKEN_QUEUES
from .row import Broken
from .stager import BROKEN_STAGERS
from .storage import BROKEN_STORAGES
from .tidying import BROKEN_TIDYING

__all__ = ["BROKEN", "Broken"]

BROKEN: tuple[Broken, ...] = (
    *BROKEN_OPENERS,
    *BROKEN_STORAGES,
    *BROKEN_CAPABILITIES,
    *BROKEN_TIDYING,
    *BROKEN_STAGERS,
    *BROKEN_DEFERRED,
    *BROKEN_QUEUES,
    *BROKEN_CARRYING,
    *BROKEN_AUTH,
    *BROKEN_BILLING,
    *BROKEN_PAYMENTS,
    *BROKEN_PLUGINS,
)
