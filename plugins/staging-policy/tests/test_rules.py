"""What a shop allows."""

from __future__ import annotations

import pytest

from staging_core.errors import Refused, UnknownRoom
from staging_core.models import ROOMS, STYLES, StageRequest
from staging_policy import Rules


def request(room: str = "bedroom", **more: object) -> StageRequest:
    return StageRequest(room=room, style="modern", seed=1, **more)  # type: ignore[arg-type]


def test_without_rules_everything_is_allowed() -> None:
    for room in ROOMS:
        for style in STYLES:
            Rules().check(StageRequest(room=room, style=style, seed=1, prompt="a firearm, please"))


def test_a_room_that_is_not_offered_is_refused_with_those_that_are() -> None:
    rules = Rules(rooms=("bedroom", "Living room"))
    rules.check(request("living_room"))

    with pytest.raises(Refused, match="kitchen") as refusal:
        rules.check(request("kitchen"))

    assert refusal.value.remedy == "Choose one of bedroom, living_room."


def test_a_style_that_is_not_offered_is_refused() -> None:
    with pytest.raises(Refused, match="modern"):
        Rules(styles=("japandi",)).check(request())


@pytest.mark.parametrize(
    "wish",
    [{"prompt": "a FIREARM on the wall"}, {"furniture": ("sofa", "firearm")}],
)
def test_a_word_is_refused_in_prompt_and_furniture(wish: dict[str, object]) -> None:
    with pytest.raises(Refused, match="firearm"):
        Rules(words=("firearm",)).check(request(**wish))


def test_a_word_within_another_is_not_that_word() -> None:
    Rules(words=("fire", "arm")).check(request(prompt="an armchair by the fireplace"))


def test_rules_for_a_room_that_does_not_exist_are_wrong() -> None:
    with pytest.raises(UnknownRoom, match="bedrom"):
        Rules(rooms=("bedrom",)).check_names()
