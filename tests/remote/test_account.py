"""An account is taken along, and deleted, over HTTP."""

from __future__ import annotations

import asyncio
import zipfile
from io import BytesIO

import pytest

from staging_core import Staging
from staging_core.errors import Forbidden, StagingError, ValidationFailed

from .conftest import Open
from .listening import photo


def test_an_account_is_taken_along_and_deleted(house: Open) -> None:
    async def scenario() -> None:
        async with (
            house(worker=False) as at,
            Staging.connect(at.url, token=at.token) as me,
        ):
            await me.images.submit(photo(), room="bedroom", style="modern")
            with pytest.raises(Forbidden):
                await me.account.export()
            await at.staging.operating("tests").grant("owner", "admin", account_id="local")
            data = b"".join([chunk async for chunk in await me.account.export()])
            with zipfile.ZipFile(BytesIO(data)) as found:
                assert found.testzip() is None
                assert found.namelist()
            with pytest.raises(ValidationFailed):
                await me.account.delete(confirm="another")
            assert await me.account.delete(confirm="local") > 0
            with pytest.raises(StagingError) as caught:
                await me.images.page()
            assert caught.value.status in (401, 403)

    asyncio.run(scenario())
