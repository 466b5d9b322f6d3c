"""Finding an attempt whose answer was lost: certain or nothing, and one listing for many."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from staging_core.models import CannotTell, Found
from staging_core.testing.replicate import Chaos, Settings, running_replicate

from .at_the_double import open_at
from .provider import API, PUBLIC, REQUEST, Provider, attempt, breaks, photo, says


def listed(id: str, *, age: float = 0, **more: Any) -> dict[str, Any]:
    made = datetime.fromtimestamp(time.time() - age, UTC).isoformat().replace("+00:00", "Z")
    return {"id": id, "status": "processing", "created_at": made, "input": {}, **more}


def pages(*results: list[dict[str, Any]], files: list[dict[str, Any]] | None = None) -> Any:
    """The account's predictions, page by page, and its files."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/files":
            return httpx.Response(200, json={"next": None, "results": files or []})
        number = int(request.url.params.get("cursor", "0"))
        more = number + 1 < len(results)
        following = (
            f"https://elsewhere.example/v1/predictions?cursor={number + 1}" if more else None
        )
        return httpx.Response(200, json={"next": following, "results": results[number]})

    return answer


def find(answer: Any, id: str = "a1") -> Found | CannotTell:
    return asyncio.run(Provider(answer).stager().find(attempt(id)))


@pytest.mark.parametrize(
    "sent",
    [
        {"webhook": f"{PUBLIC}/a1"},
        {"webhook": f"{PUBLIC}/a1?tag=x"},
        {"input": {"image": "https://bucket.example/p.png?Signature=x#staging-attempt=a1"}},
        {"input": {"image": f"{API}/v1/files/f1"}},
    ],
)
def test_an_attempt_is_found_by_its_callback_or_by_its_photo(sent: dict[str, Any]) -> None:
    answer = pages([listed("p0"), listed("p1", **sent)], files=[{"id": "f1", "name": "a1.png"}])
    assert find(answer) == Found(handle="p1")


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg"])
def test_an_attempt_is_found_by_the_file_in_a_data_uri(kind: str) -> None:
    import base64
    import io

    from PIL import Image

    from staging_core.backends.replicate.tag import tagged_file

    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, kind.rpartition("/")[2])
    tagged = tagged_file(buffer.getvalue(), "a1")
    Image.open(io.BytesIO(tagged)).load()
    uri = f"data:{kind};base64,{base64.b64encode(tagged).decode()}"
    assert find(pages([listed("p1", input={"image": uri})])) == Found(handle="p1")


@pytest.mark.parametrize(
    "sent",
    [
        {"webhook": f"{PUBLIC}/a11"},
        {"webhook": f"{PUBLIC}/a1/x"},
        {"webhook": None},
        {"webhook": 7},
        {"input": None},
        {"input": {"image": None}},
        {"input": {"image": "data:image/png;base64,!!!"}},
        {"input": {"image": "https://x/#staging-attempt=a11"}},
        {"input": {"prompt": "a1"}},
    ],
)
def test_what_only_looks_like_it_is_not_it(sent: dict[str, Any]) -> None:
    assert find(pages([listed("p1", **sent)])) == CannotTell()


def test_pages_are_followed_by_cursor_and_never_to_another_host() -> None:
    provider = Provider(pages([listed("p0")], [listed("p1", webhook=f"{PUBLIC}/a1")]))
    assert asyncio.run(provider.stager().find(attempt())) == Found(handle="p1")
    assert {request.url.host for request in provider.requests} == {"api.replicate.com"}


def test_what_was_made_long_before_the_attempt_is_not_listed() -> None:
    old = [listed(f"p{n}", age=7200) for n in range(3)]
    provider = Provider(pages([listed("p9")], old, old, old))
    assert asyncio.run(provider.stager().find(attempt())) == CannotTell()
    assert sum(request.url.path == "/v1/predictions" for request in provider.requests) == 2


def test_a_hundred_finds_cost_a_few_calls() -> None:
    made = [listed(f"p{n}", webhook=f"{PUBLIC}/a{n}") for n in range(50)]
    provider = Provider(pages(made))
    stager = provider.stager()

    async def many() -> list[Any]:
        return await asyncio.gather(*(stager.find(attempt(f"a{n}")) for n in range(100)))

    found = asyncio.run(many())
    assert sum(isinstance(one, Found) for one in found) == 50
    assert len(provider.requests) <= 4


def test_while_replicate_answers_too_many_questions_a_hundred_finds_ask_one() -> None:
    """What it asks to wait is waited, but for half a minute at most: then it is asked again."""
    provider = Provider(says(429, {"detail": "Request was throttled. Resets in 20s."}))
    stager = provider.stager()

    async def many() -> list[Any]:
        return await asyncio.gather(*(stager.find(attempt(f"a{n}")) for n in range(100)))

    assert asyncio.run(many()) == [CannotTell()] * 100
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        says(500),
        says(429, {}),
        says(200, "<html>"),
        says(200, {"results": None}),
        says(200, {"results": [7, None, {}]}),
        breaks(httpx.ReadError),
    ],
)
def test_while_replicate_cannot_be_asked_nobody_can_tell(answer: Any) -> None:
    assert find(answer) == CannotTell()


# --- against the double ---------------------------------------------------------------------------


def test_every_lost_answer_is_found_however_the_photo_was_sent() -> None:
    async def lose(url: str) -> None:
        async with open_at(double) as stager:
            for n, (given, called) in enumerate(
                [(photo(), False), (photo(url=url), True), (photo(url=url), False)]
            ):
                double.then("lost_answer")
                lost = attempt(f"lost-{n}", callback=called)
                with pytest.raises(Exception, match="unknown"):
                    await stager.create(REQUEST, given, lost)
                stager._listing._looked = float("-inf")  # as if seconds had passed
                found = await stager.find(lost)
                assert isinstance(found, Found)
                assert found.handle in {one["id"] for one in double.predictions()}
            assert len({one["id"] for one in double.predictions()}) == 3

    with running_replicate(Settings(manual=True), Chaos()) as double:
        asyncio.run(lose(f"{double.url}/nowhere.png"))


def test_what_lands_late_is_found_once_it_has_landed() -> None:
    async def land() -> None:
        async with open_at(double) as stager:
            double.then("late_landing")
            late = attempt("late", callback=False)
            with pytest.raises(Exception, match="unknown"):
                await stager.create(REQUEST, photo(), late)
            assert await stager.find(late) == CannotTell()
            double.advance(10)
            stager._listing._looked = float("-inf")
            assert isinstance(await stager.find(late), Found)

    with running_replicate(Settings(manual=True), Chaos(late_landing_s=5)) as double:
        asyncio.run(land())
