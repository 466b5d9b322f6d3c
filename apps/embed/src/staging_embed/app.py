"""The application that a host mounts."""

from __future__ import annotations

from litestar import Litestar

from .callbacks import ReceivesCallbacks, callback_routes
from .problem import EXCEPTION_HANDLERS


def staging_app(staging: ReceivesCallbacks) -> Litestar:
    """An ASGI application over an open ``Staging``: today the addresses that providers call back.

    It opens and closes nothing, so it may be mounted where an application's lifespan never runs,
    under any path. Who mounts it opens ``staging`` first, and closes it after the last request.
    """
    return Litestar(
        callback_routes(staging),
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=None,
        logging_config=None,  # the host's logging stays as it is
        debug=False,
    )
