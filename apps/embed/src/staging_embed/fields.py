"""Kinds of values that requests have in common."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

_ID = r"^[0-9A-Za-z_-]{1,64}$"
_PLACE = r"^[0-9]{1,12}(\.[0-9]{1,9})?,[0-9A-Za-z_-]{1,64}$"
STATES = r"^[a-z_,]*$"
PROMPT = r"^$|^(?=[\s\S]*\S)[\s\S]{10,2000}$"
WORD = r"\S"
FORMS = {
    _ID: "Expected an id: 1 to 64 letters, digits, `-` and `_`",
    _PLACE: "Expected Unix seconds, a comma and an id",
    STATES: "Expected states, with commas between them",
    PROMPT: "Expected 10 to 2000 characters, a word among them",
    WORD: "Expected a word",
}
"""What each pattern asks for, in the words of a refusal."""

Id = Annotated[str, Meta(pattern=_ID, examples=["5b8c0c9e-8f0e-4b7a-9d0f-3a1f2f9f6b11"])]
Limit = Annotated[int, Meta(ge=1, le=200, description="Rows on a page.")]
Cursor = Annotated[
    str, Meta(max_length=2048, description="`next_cursor` of the page before this one.")
]
Before = Annotated[
    str,
    Meta(
        pattern=_PLACE,
        description="In place of a `cursor`, where the page begins: after the row that was made "
        "then (Unix seconds) and has that id, such as `1767225600.5,5b8c0c9e-8f0e-4b7a`.",
    ),
]
