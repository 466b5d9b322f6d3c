"""What a model is given of a photo: its working copy, or that laid out on the card's canvas."""

from __future__ import annotations

from .database import files, images
from .database.engine import Transaction
from .database.row import Row
from .errors import NotFound
from .imaging.canvas import Layout, lay_out
from .interfaces import Photo
from .models import ModelCard
from .photo import StoredPhoto, laid_out
from .ports import Ports


async def taken_up(tx: Transaction, ports: Ports, card: ModelCard, job: Row) -> Row | None:
    """The original of a job that ``tx`` has begun, with the intent of what its model is given.

    None where the image is gone: whoever carries the job finds out, and settles it.
    """
    try:
        original = await images.source(tx, job["image_id"])
    except NotFound:
        return None
    if original["developed"]:
        await borrow_input(tx, ports, card, original)
    return original


async def borrow_input(tx: Transaction, ports: Ports, card: ModelCard, original: Row) -> None:
    """The intent before the object, where the model is given one of its own."""
    photo = working_copy(ports, original)
    given = input_of(card, photo)
    if given is not photo:
        await borrow(tx, ports, given.key, original["account_id"])


async def borrow(tx: Transaction, ports: Ports, key: str, account_id: str) -> None:
    """The intent of an object that can be made again; it goes when its grace time is over."""
    grace_s = ports.settings.orphan_grace_s
    await files.borrow(tx, key, account_id=account_id, kind="working", grace_s=grace_s)


def working_copy(ports: Ports, original: Row) -> StoredPhoto:
    """The photo as it is worked on, wherever its bytes are by now."""
    return StoredPhoto(
        storage=ports.storage,
        key=original["working_key"],
        content_type="image/png",
        width=original["width"],
        height=original["height"],
        focal_px=original["focal_px"],
    )


def input_of(card: ModelCard, photo: StoredPhoto) -> StoredPhoto:
    """The photo itself, or that on the card's canvas."""
    canvas, layout = card.canvas, layout_of(card, photo)
    if canvas is None or layout is None:
        return photo
    return laid_out(photo, layout, canvas.content_type)


def layout_of(card: ModelCard, photo: Photo) -> Layout | None:
    """Where the photo lies on what the model is given; None where it is given the photo."""
    canvas = card.canvas
    return None if canvas is None else lay_out(canvas, photo.width, photo.height)
