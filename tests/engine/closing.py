"""An account with something of everything, and how it is deleted."""

from __future__ import annotations

from staging_core import OWNER
from staging_core.account_closing import close_account
from staging_core.acting import Images, Projects, Uploads
from staging_core.models import Actor
from staging_core.recovery import Recovery

from .crashing import Cut
from .house import House
from .pictures import photo

SWEEPS = 6


async def furnish(house: House) -> None:
    """A project with an image that is ready and one whose job waits, and an unused upload."""
    project = await Projects(house.ports, OWNER).create("Villa")
    images = Images(house.ports, OWNER)
    wish = {"room": "bedroom", "style": "modern", "project_id": project.id}
    await images.submit(photo(1), **wish)
    while await house.step():
        pass
    await images.submit(photo(2), **wish)
    await Uploads(house.ports, OWNER).presign("room.jpg", "image/jpeg", 1000)


async def close(house: House, cut: Cut) -> None:
    """The account is closed and swept away, by a process that may die on it."""
    ports = cut.into(house.ports)
    await close_account(ports, OWNER.account_id, Actor(user_id=OWNER.user_id))
    for _ in range(SWEEPS):
        house.clock.ahead += 60
        await Recovery(ports).sweep()
