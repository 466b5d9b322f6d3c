"""The account at Replicate: every call that the stager makes goes through here.

It is the ``replicate`` package's client, as far as that is sound: who we are, the base URL, time
limits, deleting files, the webhooks' secret. Predictions and files are read as plain JSON, since
the package's ``Prediction`` knows neither ``aborted`` nor a new status, drops ``webhook``, and its
``create`` sends no ``Cancel-After``. One client belongs to one event loop.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
from replicate.client import Client

from .transport import Garbled, Transport

# An upload and a create together end before the engine's minute for one call is over.
UPLOAD_S = 20.0
CREATE_S = 30.0
READ_S = 20.0
_TIMEOUT = httpx.Timeout(30.0, connect=5.0, pool=10.0)
Json = dict[str, Any]


class Account(Client):
    """An open connection. Its ``repr`` shows no token."""

    def __init__(
        self, token: str, *, api: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        super().__init__(
            api_token=token,
            base_url=api,
            timeout=_TIMEOUT,
            transport=Transport(transport),
            headers={"Accept-Encoding": "identity"},  # what is counted is what is kept
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._async_client.aclose()

    # --- predictions ----------------------------------------------------------------------------

    async def create(self, path: str, body: Json, *, cancel_after_s: int) -> Json:
        """POST a prediction, exactly once."""
        headers = {"Cancel-After": f"{cancel_after_s}s"}
        return await self._ask("POST", path, CREATE_S, json=body, headers=headers)

    async def prediction(self, id: str) -> Json:
        """A prediction as it stands."""
        return await self._ask("GET", f"/v1/predictions/{quote(id, safe='')}", READ_S)

    async def cancel(self, id: str) -> None:
        """Stop a prediction."""
        await self._ask("POST", f"/v1/predictions/{quote(id, safe='')}/cancel", READ_S)

    async def page(self, **query: str) -> Json:
        """A page of the account's predictions, the newest first."""
        return await self._ask("GET", "/v1/predictions", READ_S, params=query)

    async def model(self, owner: str, name: str) -> Json:
        """A model with its latest version."""
        return await self._ask("GET", f"/v1/models/{quote(owner)}/{quote(name)}", READ_S)

    # --- files, callbacks -----------------------------------------------------------------------

    async def file_page(self, **query: str) -> Json:
        """A page of the account's files, the newest first."""
        return await self._ask("GET", "/v1/files", READ_S, params=query)

    async def upload(self, data: bytes, *, name: str, content_type: str) -> tuple[str, str]:
        """Put a file for a day; its id and its address."""
        content = {"content": (name, data, content_type)}
        file = await self._ask("POST", "/v1/files", UPLOAD_S, files=content)
        return str(file["id"]), str(file["urls"]["get"])

    async def forget(self, file_id: str) -> None:
        """Delete a file."""
        async with asyncio.timeout(READ_S):
            await self.files.async_delete(file_id)

    async def callback_secret(self) -> str:
        """The secret that the account's callbacks are signed with."""
        async with asyncio.timeout(READ_S):
            return (await self.webhooks.default.async_secret()).key

    async def _ask(self, method: str, path: str, limit_s: float, **more: Any) -> Json:
        async with asyncio.timeout(limit_s):
            response = await self._async_request(method, path, **more)
        try:
            answer = msgspec.json.decode(response.content)
        except msgspec.DecodeError as error:
            raise Garbled("Replicate's answer is not JSON.") from error
        if not isinstance(answer, dict):
            raise Garbled("Replicate's answer is not an object.")
        return answer
