"""The queue inside one process passes the suite that every queue passes."""

from __future__ import annotations

from staging_core.testing.conformance import QueueConformance


class TestLocalQueue(QueueConformance):
    url = "local:"
    bad_urls = ("local:somewhere", "local:?lanes=2")
