"""Groups: the variants that were asked for together."""

from __future__ import annotations

from msgspec import Struct

from staging_embed.access import member
from staging_embed.answers.image import ImageAnswer, image_answer
from staging_embed.call import Call
from staging_embed.routing import Routes

groups = Routes("groups")


class GroupAnswer(Struct, frozen=True, kw_only=True):
    """Images of one photo, in the order of their variants."""

    id: str
    images: list[ImageAnswer]


@groups.get("/groups/{group_id}", member("images:read"))
async def get_group(call: Call) -> GroupAnswer:
    """All variants of one submit."""
    group = await call.me.images.group(call.id("group_id"))
    return GroupAnswer(id=group.id, images=[image_answer(each, call.base) for each in group.images])
