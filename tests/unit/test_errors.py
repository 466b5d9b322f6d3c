"""Every error has a stable code, a status and a remedy; they are what callers build on."""

from __future__ import annotations

import inspect
import math
import re
from typing import Any

import pytest

from staging_core import errors
from staging_core.error_codes import error_for
from staging_core.errors import Busy, JobVerb, Refused, RoomNotUnderstood, StagingError

ALL = [
    kind
    for kind in vars(errors).values()
    if inspect.isclass(kind) and issubclass(kind, StagingError)
]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_an_error_has_a_code_a_status_a_sentence_and_a_remedy(kind: type[StagingError]) -> None:
    error = kind()
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)
    assert 400 <= error.status <= 599
    assert error.message.endswith(".")
    assert error.remedy.endswith(".")
    assert str(error) == error.message


def test_every_kind_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in ALL]
    assert len(set(codes)) == len(codes)


def test_a_message_and_a_remedy_of_its_own_take_the_place_of_the_general_ones() -> None:
    error = Refused("No people, please.", remedy="Send an empty room.")
    assert (error.message, error.remedy) == ("No people, please.", "Send an empty room.")
    assert Refused().message == "The work is refused for good; asking again would not help."


def test_a_code_that_a_row_holds_becomes_its_error_again() -> None:
    for kind in ALL:
        error = error_for(kind.code, "what happened")
        assert (type(error), error.message) == (kind, "what happened")
    assert type(error_for("of_a_later_version", "?")) is JobVerb


def test_busy_says_how_long_to_wait() -> None:
    assert Busy("later", retry_after_s=12.0).retry_after_s == 12.0
    assert Busy().retry_after_s > 0


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (math.nan, 5.0),
        (math.inf, 3600.0),
        (-math.inf, 0.0),
        (-3, 0.0),
        (1e300, 3600.0),
        (10**400, 3600.0),
        (None, 5.0),
        ("soon", 5.0),
    ],
)
def test_how_long_somebody_is_busy_is_a_number_whatever_was_told(told: Any, kept: float) -> None:
    assert Busy(retry_after_s=told).retry_after_s == kept


def test_a_room_that_is_not_understood_is_a_refusal_and_may_show_why() -> None:
    error = RoomNotUnderstood("no floor", overlay_png=b"png")
    assert isinstance(error, Refused)
    assert error.overlay_png == b"png"
