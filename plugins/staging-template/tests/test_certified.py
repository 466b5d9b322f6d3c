"""The whole certification: name a URL, inherit the contract."""

from __future__ import annotations

from staging_core.testing import conformance


class TestFrameStager(conformance.StagerConformance):
    url = "frame:"


class TestDictStorage(conformance.StorageConformance):
    url = "dict:"
    full_url = "dict:?limit_bytes=4000000"
    keeps_in_memory = True


class TestPlugin(conformance.PluginConformance):
    plugin = "template"
