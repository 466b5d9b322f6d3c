"""The fake stagers keep the contracts that they stand in for."""

from __future__ import annotations

from staging_core.interfaces import Defers
from staging_core.testing.conformance import DefersConformance, Faults, StagerConformance
from staging_core.testing.fake_deferred import FakeDeferred, open_fake_deferred


class TestFakeStager(StagerConformance):
    url = "fake:"
    bad_urls = ("fake:?script=nonsense", "fake:?colour=red", "fake:?delay_ms=long")


class TestFakeDeferred(DefersConformance):
    url = staticmethod(open_fake_deferred)
    recorded_handles = ("fake-1",)

    def faults(self, stager: Defers) -> Faults:
        assert isinstance(stager, FakeDeferred)
        return stager
