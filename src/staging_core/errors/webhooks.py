"""What can be wrong with an outgoing webhook and its endpoint."""

from __future__ import annotations

from .base import StagingError
from .request import BadInput


class EndpointRefused(BadInput):
    """Nothing is sent to this address."""

    code = "endpoint_refused"
    remedy_hint = "Give a public https address without a user name or password in it."


class EndpointUnavailable(StagingError):
    """The endpoint could not be reached."""

    code = "endpoint_unavailable"
    status = 503
    remedy_hint = "Check that its name resolves; deliveries are tried again by themselves."


class EndpointDisabled(StagingError):
    """The endpoint is disabled, so nothing is sent to it."""

    code = "endpoint_disabled"
    status = 409
    remedy_hint = "Enable it first; it says why it was disabled."


class TooManyEndpoints(StagingError):
    """The account has as many webhook endpoints as it may have."""

    code = "too_many_endpoints"
    status = 409
    remedy_hint = "Delete an endpoint that is not used any more."
