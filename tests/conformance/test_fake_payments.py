"""The double through which accounts pay passes the suite that every such backend passes."""

from __future__ import annotations

from staging_core.testing.broken.at_the_fake import AtTheFake


class TestFakePayments(AtTheFake):
    pass
