"""Contracts as test classes: subclass one, name a URL, and your backend is certified.

    class TestMyStorage(StorageConformance):
        url = "mystore:"

Each check is one sentence of a contract in ``staging_core.interfaces``; a failure quotes it. The
classes bring their own event loop, so they run beside any pytest plugin for asynchronous tests.
"""

from __future__ import annotations

import pytest

_SUITES = ("auth", "base", "billing", "defers", "payments", "plugin", "queue", "stager", "storage")
_PARTS = ("taking_part", "taking_payments")
pytest.register_assert_rewrite(*(f"{__name__}.{part}" for part in (*_SUITES, *_PARTS)))

from .auth import AuthConformance, Outage  # noqa: E402 - pytest must know these modules before they load
from .base import Conformance, failures  # noqa: E402
from .billing import BillingConformance  # noqa: E402
from .defers import DefersConformance, Faults  # noqa: E402
from .payments import PaymentsConformance  # noqa: E402
from .plugin import PluginConformance  # noqa: E402
from .queue import QueueConformance, ServerFaults  # noqa: E402
from .stager import StagerConformance  # noqa: E402
from .storage import StorageConformance  # noqa: E402

__all__ = [
    "AuthConformance",
    "BillingConformance",
    "Conformance",
    "DefersConformance",
    "Faults",
    "Outage",
    "PaymentsConformance",
    "PluginConformance",
    "QueueConformance",
    "ServerFaults",
    "StagerConformance",
    "StorageConformance",
    "failures",
]
