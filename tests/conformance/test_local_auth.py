"""The owner of an embedded installation signs in by sitting at the machine."""

from __future__ import annotations

from staging_core.models import Credentials
from staging_core.testing.conformance import AuthConformance


class TestLocalAuth(AuthConformance):
    url = "local:"
    mine = (Credentials(loopback=True),)
    not_mine = (Credentials(bearer="token"), Credentials(bearer="token", loopback=True))
    wrong = (Credentials(),)
    bad_urls = ("local:somebody",)
