"""What a shop allows."""

from __future__ import annotations

import re

import msgspec

from staging_core.errors import Refused
from staging_core.models import StageRequest, check_room, check_style


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The table ``[plugins.policy]``.

    ``rooms``, ``styles``: the allowed ones, empty for all. ``words``: refused in prompt and
    furniture, whole words in any case. ``journal``: the file, relative to the home; empty for none.
    """

    rooms: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    journal: str = ""

    def check_names(self) -> None:
        """``UnknownRoom`` or ``UnknownStyle`` when the shop allows what does not exist."""
        for room in self.rooms:
            check_room(room)
        for style in self.styles:
            check_style(style)

    def check(self, request: StageRequest) -> None:
        """``Refused``, with the reason, when the shop does not allow the request."""
        _check_allowed("room", request.room, {check_room(room) for room in self.rooms})
        _check_allowed("style", request.style, {check_style(style) for style in self.styles})
        wishes = " ".join([request.prompt or "", *request.furniture])
        for word in self.words:
            if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", wishes, re.IGNORECASE):
                raise Refused(f"This shop does not stage {word!r}.", remedy="Leave that word out.")


def _check_allowed(kind: str, name: str, allowed: set[str]) -> None:
    if allowed and name not in allowed:
        raise Refused(
            f"This shop does not offer the {kind} {name!r}.",
            remedy=f"Choose one of {', '.join(sorted(allowed))}.",
        )
