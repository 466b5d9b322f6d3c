"""``jwt:https://issuer/?audience=…`` knows people by the signed tokens of one OpenID issuer.

PyJWT verifies; around it stand our own key cache, which asks the issuer seldom and survives its
outages, and what claims mean here. Weak spots: a token holds until it expires, as nobody is asked
about it again, so issuers should give short ones; encrypted tokens and opaque ones are not read; a
key that the issuer withdraws is believed for up to ten minutes, and through an outage of an hour.
"""

from __future__ import annotations

from .opening import open_jwt_auth

__all__ = ["open_jwt_auth"]
