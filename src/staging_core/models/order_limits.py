"""What an order may hold at most, so that a thousand of them are still a list that can be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from staging_core.errors import ValidationFailed
from staging_core.text import UNKEPT, unkept_text

LONGEST_PIECE = 200
"""Characters of one piece of furniture."""

MOST_BYTES = 16 * 1024
"""Of one order as JSON, its options included."""


def check_limits(order: Mapping[str, Any]) -> None:
    """``ValidationFailed`` names the part that cannot be kept, is too long or says nothing.

    ``order``: the keywords of ``submit`` but for the photo itself. What else may be wrong with a
    part is found later.
    """
    try:
        unkept = unkept_text(order)
    except RecursionError as wrong:
        raise ValidationFailed(fields={"options": "is nested too deeply."}) from wrong
    if unkept is not None:
        raise ValidationFailed(fields={unkept: UNKEPT})
    _check_prompt(order.get("prompt"))
    _check_pieces(order.get("furniture"))
    try:
        size = _size(order)
    except (TypeError, ValueError, RecursionError) as wrong:
        raise ValidationFailed(
            f"The request is not valid: {wrong}.", fields={"options": f"{wrong}."}
        ) from wrong
    if size > MOST_BYTES:
        raise ValidationFailed(fields={_longest(order): f"makes an order of over {MOST_BYTES} B."})


def not_one_photo() -> ValidationFailed:
    """What an order is told that names no photo, or several."""
    told = "Name one photo: by itself, by `upload_id` or by `original_url`."
    return ValidationFailed(told, fields=dict.fromkeys(("upload_id", "original_url"), told))


def _check_prompt(prompt: object) -> None:
    if isinstance(prompt, str) and prompt and not prompt.strip():
        raise ValidationFailed(fields={"prompt": "has no word in it; leave it out."})


def _check_pieces(furniture: object) -> None:
    for place, piece in enumerate(furniture if isinstance(furniture, list | tuple) else ()):
        name = f"furniture[{place}]"
        if isinstance(piece, str) and len(piece) > LONGEST_PIECE:
            raise ValidationFailed(fields={name: f"has at most {LONGEST_PIECE} characters."})
        if isinstance(piece, str) and not piece.strip():
            raise ValidationFailed(fields={name: "has no word in it."})


def _longest(order: Mapping[str, Any]) -> str:
    return max(order, key=lambda name: _size(order[name]))


def _size(value: object) -> int:
    return len(msgspec.json.encode(value, enc_hook=_plain))


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} is no JSON")
