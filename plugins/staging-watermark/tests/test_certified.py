"""The plugin keeps the rules of the hooks."""

from __future__ import annotations

from staging_core.testing.conformance import PluginConformance


class TestWatermark(PluginConformance):
    plugin = "watermark"
