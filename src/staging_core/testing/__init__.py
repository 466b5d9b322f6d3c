"""What plugin authors and hosts test with: doubles, conformance suites, synthetic rooms.

The doubles work without any extra package; the suites in ``staging_core.testing.conformance`` need
``pip install 'staging-core[testing]'``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .fake_clock import FakeClock
    from .fake_context import FakeContext
    from .fake_deferred import FakeDeferred, open_fake_deferred
    from .fake_keys import FakeKeys
    from .fake_payments import FakePayments, open_fake_payments, paying, signed
    from .fake_photo import FakePhoto
    from .fake_provider import FakeProvider
    from .fake_script import Script
    from .fake_stager import Call, FakeStager, open_fake

__all__ = [
    "Call",
    "FakeClock",
    "FakeContext",
    "FakeDeferred",
    "FakeKeys",
    "FakePayments",
    "FakePhoto",
    "FakeProvider",
    "FakeStager",
    "Script",
    "open_fake",
    "open_fake_deferred",
    "open_fake_payments",
    "paying",
    "signed",
]

_MODULES = {
    "Call": "fake_stager",
    "FakeClock": "fake_clock",
    "FakeContext": "fake_context",
    "FakeDeferred": "fake_deferred",
    "FakeKeys": "fake_keys",
    "FakePayments": "fake_payments",
    "FakePhoto": "fake_photo",
    "FakeProvider": "fake_provider",
    "FakeStager": "fake_stager",
    "Script": "fake_script",
    "open_fake": "fake_stager",
    "open_fake_deferred": "fake_deferred",
    "open_fake_payments": "fake_payments",
    "paying": "fake_payments",
    "signed": "fake_payments",
}


def __getattr__(name: str) -> Any:
    """Import a double when it is asked for: the built-in plugin reads the fake's card from here."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)
