"""Stagers: the models that furnish a photo."""

from __future__ import annotations

from typing import Protocol

from staging_core.models import (
    Absent,
    Attempt,
    Callback,
    CannotTell,
    Failed,
    Found,
    ModelCard,
    Notice,
    Staged,
    StageRequest,
    Waiting,
)


class Photo(Protocol):
    """The working copy of the original: sRGB, upright, without metadata."""

    @property
    def content_type(self) -> str:
        """``image/png`` or ``image/jpeg``."""
        ...

    @property
    def width(self) -> int:
        """Pixels."""
        ...

    @property
    def height(self) -> int:
        """Pixels."""
        ...

    @property
    def focal_px(self) -> float | None:
        """Focal length in pixels of this picture as its camera told, or None."""
        ...

    async def read(self) -> bytes:
        """The encoded bytes."""
        ...

    async def url(self, ttl_s: float) -> str | None:
        """A URL that answers the bytes for ``ttl_s`` seconds; None when the storage gives none.

        The stager judges whether its provider can reach the URL: one with a loopback host is of use
        only to a provider on loopback too. Whoever has the URL can read the photo: it goes to the
        provider and into no log.
        """
        ...


class Stager(Protocol):
    """Answers in the call: the offline renderer, a GPU of this machine."""

    @property
    def card(self) -> ModelCard:
        """What the model honours; the same for the life of the backend."""
        ...

    async def stage(self, request: StageRequest, photo: Photo, attempt: Attempt) -> Staged:
        """Furnish the photo.

        The output has the photo's size. Same photo, request and seed: same bytes. Raises
        ``Refused`` (never again), ``Busy`` (not started, later), ``Moderated`` or ``Retryable``;
        any other exception counts as ``Retryable``. Must not block the event loop. Cancelling it
        ends the work soon and leaves nothing behind.
        """
        ...


class Defers(Protocol):
    """Answers later: the model runs elsewhere and is asked, or calls back."""

    @property
    def card(self) -> ModelCard:
        """What the model honours; the same for the life of the backend."""
        ...

    async def create(self, request: StageRequest, photo: Photo, attempt: Attempt) -> str:
        """Start a prediction and give its handle (1..200 visible ASCII characters).

        At most one POST per call. ``Busy`` means certainly not created, ``Refused`` never; what
        ``photo`` raises (``StorageError``) passes through, before anything is sent. Every other
        error counts as ``OutcomeUnknown``.
        """
        ...

    async def check(self, handle: str) -> Waiting | Staged | Failed:
        """How the prediction stands. A status that is not understood is ``Waiting``.

        ``Busy``: nothing is asked of the provider until then. Any other error: asked again later.
        Handles that older versions gave are understood.
        """
        ...

    async def cancel(self, handle: str) -> None:
        """Stop the prediction. Finished, cancelled or absent ones: done, no error."""
        ...


class Finds(Protocol):
    """Can tell, after a lost answer, whether an attempt exists at the provider."""

    async def find(self, attempt: Attempt) -> Found | Absent | CannotTell:
        """The prediction of ``attempt``; ``Absent`` only when it certainly was never made."""
        ...


class ReceivesCallbacks(Protocol):
    """Understands what the provider reports on its own."""

    async def receive(self, callback: Callback) -> Notice:
        """The verified event and its prediction; asks the provider nothing.

        ``InvalidSignature`` when it is not the provider's, or too old to be believed;
        ``InvalidCallback`` when it is signed and still says nothing that is understood.
        """
        ...


class Reaches(Protocol):
    """Knows where its provider can call back; one that does not is taken to reach every address."""

    def reaches(self, url: str) -> bool:
        """Whether it calls back there, as far as the address itself tells. Contacts nobody.

        Where it does not, it is given no address, and its predictions are polled from early on.
        """
        ...
