"""The OpenAPI document, and a page that shows it and loads nothing from elsewhere."""

from __future__ import annotations

from importlib.resources import files

import msgspec

from staging_core.errors import NotFound
from staging_embed.access import anyone
from staging_embed.answer import Bytes, Media
from staging_embed.call import Call
from staging_embed.openapi import document
from staging_embed.routing import Routes

documentation = Routes("documentation", prefix="")
_public = anyone("it is the same for everybody, and served only where it is configured")
_hidden = {"in_document": False}

_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_ASSETS = {
    "swagger-ui-bundle.js": ("swagger-ui/swagger-ui-bundle.js", "text/javascript"),
    "swagger-ui.css": ("swagger-ui/swagger-ui.css", "text/css"),
    "start.js": ("start.js", "text/javascript"),
}


@documentation.get("/schema/openapi.json", _public, result=Media(("application/json",)))
async def get_openapi_document(call: Call) -> Bytes:
    """This API as an OpenAPI 3.1 document."""
    told = document(call.service.routes, server=call.base)
    return Bytes(msgspec.json.encode(told), "application/json")


@documentation.get("/docs", _public, **_hidden)
async def get_documentation(call: Call) -> Bytes:
    """The document as a page on which requests can be tried."""
    page = _asset("docs.html")
    return Bytes(page, "text/html", {"content-security-policy": _PAGE_POLICY})


@documentation.get("/docs/{name}", _public, **_hidden)
async def get_documentation_asset(call: Call) -> Bytes:
    """What the page is made of."""
    name: str = call.request.path_params["name"]
    if name not in _ASSETS:
        raise NotFound("There is no such part of the page.")
    path, kind = _ASSETS[name]
    return Bytes(_asset(path), kind, {"cache-control": "public, max-age=3600"})


def _asset(path: str) -> bytes:
    return files("staging_embed").joinpath("static", path).read_bytes()
