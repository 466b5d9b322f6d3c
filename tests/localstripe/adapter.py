"""What localstripe does not speak of today's API: prices are plans there, and items have no period.

It stands between our backend and localstripe, and only renames; it also remembers what was deleted,
as Stripe does, and that nobody is entitled to anything. Webhooks do not go through it.
"""

from __future__ import annotations

import json
import re
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx

PRICE = re.compile(r"^(items\[\d+\])\[price\]$")
UNSPOKEN = ("expand", "created", "payment_behavior", "payment_settings", "proration_behavior")
EMPTY = {"object": "list", "data": [], "has_more": False}


class Adapter:
    """An ASGI application before the localstripe at ``url``."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._gone: dict[str, Any] = {}

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": f"{message['type']}.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        path = re.sub("^/v1/prices/", "/v1/plans/", scope["path"])
        query, form = _asked(scope["query_string"].decode()), _asked(body.decode())
        status, told = 200, self._gone.get(path, EMPTY)
        if path not in self._gone and not path.startswith("/v1/entitlements/"):
            key = dict(scope["headers"])[b"authorization"].decode()
            headers = {"authorization": key, "content-type": "application/x-www-form-urlencoded"}
            async with httpx.AsyncClient(base_url=self._url, timeout=20) as client:
                answer = await client.request(
                    scope["method"], f"{path}?{query}", content=form, headers=headers
                )
            status, told = answer.status_code, _of_today(answer.json())
        if told.get("deleted"):
            self._gone[path] = told
        if status == 404:
            told["error"]["code"] = "resource_missing"
        content = json.dumps(told).encode()
        kind = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": kind})
        await send({"type": "http.response.body", "body": content})


def _asked(text: str) -> str:
    """The parameters as localstripe knows them."""
    known = [pair for pair in parse_qsl(text) if pair[0].partition("[")[0] not in UNSPOKEN]
    return urlencode([(PRICE.sub(r"\1[plan]", name), value) for name, value in known])


def _of_today(told: Any) -> Any:
    """An answer of today's API."""
    if isinstance(told, list):
        return [_of_today(one) for one in told]
    if not isinstance(told, dict):
        return told
    told = {name: _of_today(value) for name, value in told.items()}
    if told.get("object") == "plan":
        usage = {"usage_type": told["usage_type"]}
        told |= {"unit_amount": told["amount"], "recurring": usage}
    if told.get("object") == "subscription":
        period = {name: told[name] for name in ("current_period_start", "current_period_end")}
        items = [{**item, "price": item["plan"], **period} for item in told["items"]["data"]]
        told["items"] = {**told["items"], "data": items}
    return told
