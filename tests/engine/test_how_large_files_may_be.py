"""How small uploads are held says nothing of what is made of them here, or by a model."""

from __future__ import annotations

import asyncio

import pytest
from tests.download.server import answer, serving

from staging_core import OWNER
from staging_core.errors import OutputTooLarge, PictureTooLarge

from .conftest import Install
from .pictures import photo


@pytest.mark.parametrize("stager", ["fake:", "fake-deferred:?finish_after=1"])
def test_a_photo_within_the_limit_is_staged_though_its_copy_and_its_result_are_larger(
    install: Install, stager: str
) -> None:
    given = photo()

    async def scenario() -> None:
        async with install(stager, max_bytes=len(given), max_side=96, poll_s=0.1) as staging:
            me = staging.acting_as(OWNER)
            group = await me.wait(await me.images.submit(given, room="bedroom", style="modern"))
            assert group.images[0].job.state == "ready"
            assert len(await me.images.read(group.images[0].id)) > len(given)
            with pytest.raises(PictureTooLarge):
                await me.images.submit(photo(width=200), room="bedroom", style="modern")

    asyncio.run(scenario())


def test_an_output_has_a_limit_of_its_own(install: Install) -> None:
    async def scenario() -> None:
        settings = {"max_output_bytes": 1000, "max_attempts": 1}
        async with install("fake:", **settings) as staging:
            me = staging.acting_as(OWNER)
            group = await me.wait(await me.images.submit(photo(), room="bedroom", style="modern"))
            assert group.images[0].job.error == "attempts_exhausted"
            assert "larger than" in str(group.images[0].job.message)

    asyncio.run(scenario())


def test_an_output_is_fetched_though_it_is_larger_than_a_photo_may_be(install: Install) -> None:
    async def scenario() -> None:
        settings = {"max_bytes": 1000, "max_output_bytes": 5000}
        async with install("fake:", **settings) as staging:
            for size, fits in ((4000, True), (6000, False)):
                async with serving(answer(bytes(size))) as server:
                    fetched = staging.ports.downloads.fetch(
                        f"http://{server.host}/", hosts=[server.host]
                    )
                    if fits:
                        assert len(await fetched) == size
                    else:
                        with pytest.raises(OutputTooLarge):
                            await fetched

    asyncio.run(scenario())
