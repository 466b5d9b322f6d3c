"""The plugin keeps the rules of the hooks, with settings and without."""

from __future__ import annotations

from staging_core.testing.conformance import PluginConformance


class TestWithoutSettings(PluginConformance):
    plugin = "policy"


class TestWithSettings(PluginConformance):
    plugin = "policy"
    settings = {  # noqa: RUF012
        "policy": {"rooms": ["bedroom"], "words": ["firearm"], "journal": "journal.jsonl"}
    }
