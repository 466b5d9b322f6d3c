"""What plugin authors and hosts test with: doubles, conformance suites, synthetic rooms.

The doubles work without any extra package; the suites in ``staging_core.testing.conformance`` need
``pip install 'staging-core[testing]'``.
"""

from __future__ import annotations

from .fake_clock import FakeClock
from .fake_context import FakeContext
from .fake_photo import FakePhoto
from .fake_script import Script
from .fake_stager import Call, FakeStager, open_fake

__all__ = ["Call", "FakeClock", "FakeContext", "FakePhoto", "FakeStager", "Script", "open_fake"]
