"""The prompt library: what is always in a prompt, and what never is."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from staging_core.errors import NotHonoured
from staging_core.honour import check_honoured
from staging_core.models import ROOMS, STYLES, ModelCard, StageRequest
from staging_core.prompts import build_prompt, version_of
from staging_core.prompts.library import library

CARD = ModelCard(id="test", name="Test")
WISHES = st.text(st.characters(codec="utf-8"), min_size=10, max_size=2000)
PIECES = st.lists(st.text("abcdefgh ", min_size=1, max_size=40), max_size=5).map(tuple)
REQUESTS = st.builds(
    StageRequest,
    room=st.sampled_from(ROOMS),
    style=st.sampled_from(STYLES),
    seed=st.integers(1, 2**32 - 1),
    prompt=st.none() | WISHES,
    furniture=PIECES,
)
# Whom a home is for is nobody's business: fair-housing law protects these.
CUES = re.compile(
    r"famil|child|kid|nursery|couple|bachelor|m[ae]n\b|wom[ae]n|senior|elder|christ|church|mosque"
    r"|jewish|muslim|cross\b|ethnic|asian|african|latin|native|wheelchair|disab",
    re.IGNORECASE,
)


@given(REQUESTS, st.integers(0, 4000))
def test_the_structure_the_callers_words_and_the_pieces_are_always_in(
    request: StageRequest, limit: int
) -> None:
    try:
        prompt = build_prompt(request, msgspec.structs.replace(CARD, prompt_limit=limit))
    except NotHonoured:
        assert limit
        return
    assert prompt.text.startswith(library().structure.text)
    assert (request.prompt or "") in prompt.text
    assert all(piece in prompt.text for piece in request.furniture)
    assert not limit or len(prompt.text) <= limit
    assert version_of(prompt.text) == prompt.version == library().version


@given(REQUESTS)
def test_the_same_request_has_the_same_prompt(request: StageRequest) -> None:
    assert build_prompt(request, CARD) == build_prompt(request, CARD)


def test_every_room_and_style_of_the_catalog_has_its_guidance() -> None:
    assert library().rooms.keys() == set(ROOMS)
    assert library().styles.keys() == set(STYLES)
    assert all(passage.name and passage.text for passage in library().rooms.values())


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("style", STYLES)
def test_a_prompt_speaks_of_things_and_never_of_people(room: str, style: str) -> None:
    text = build_prompt(StageRequest(room=room, style=style, seed=1), CARD).text
    assert "no people" in text
    assert not CUES.search(text.replace("no people", ""))
    assert "{" not in text


def test_a_wish_in_braces_is_text_like_any_other() -> None:
    wish = "a sofa {style} in {room} red"
    request = StageRequest(room="office", style="modern", seed=1, prompt=wish)
    assert wish in build_prompt(request, CARD).text


def test_guidance_is_left_out_before_anything_is_refused() -> None:
    request = StageRequest(room="office", style="modern", seed=1)
    whole = build_prompt(request, CARD).text
    short = build_prompt(request, msgspec.structs.replace(CARD, prompt_limit=len(whole) - 1)).text
    assert library().rooms["office"].text not in short
    assert library().placement.text in short


def test_a_prompt_that_is_too_long_is_refused_with_its_length() -> None:
    request = StageRequest(room="office", style="modern", seed=1, prompt="a chair " * 100)
    with pytest.raises(NotHonoured, match="reads 500 characters") as told:
        build_prompt(request, msgspec.structs.replace(CARD, prompt_limit=500))
    assert "Shorten it by" in told.value.remedy


def test_another_text_has_no_version() -> None:
    assert version_of("Put a sofa into this room.") is None


def test_a_prompt_that_is_too_long_is_refused_before_anything_is_spent() -> None:
    card = msgspec.structs.replace(CARD, prompt_limit=500, honours=frozenset({"prompt"}))
    request = StageRequest(room="office", style="modern", seed=1, prompt="a chair " * 100)
    with pytest.raises(NotHonoured, match="reads 500 characters"):
        check_honoured(card, request, width=800, height=600)
