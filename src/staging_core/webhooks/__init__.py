"""Sending webhooks: how they are signed, when they are tried, and who sends them."""

from __future__ import annotations

from .keys import EndpointKeys
from .sender import Sender
from .signature import new_secret, signed_headers

__all__ = ["EndpointKeys", "Sender", "new_secret", "signed_headers"]
