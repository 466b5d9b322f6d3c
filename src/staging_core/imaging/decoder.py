"""Decoding happens in child processes with limits; this process never touches foreign pixels."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import msgspec

from staging_core.errors import (
    BadPicture,
    PictureAnimated,
    PictureEmpty,
    PictureTooLarge,
    PictureTruncated,
    PictureUnsupported,
    Retryable,
    StagingError,
)

from .canvas import Layout
from .limits import Limits, outputs_within, unpacked
from .process import Child, ChildDied
from .protocol import (
    ConvertJob,
    Done,
    Job,
    ModelInputJob,
    Rejected,
    ThumbnailJob,
    VerifyJob,
    WorkingCopyJob,
)

_JOBS_PER_CHILD = 100  # what decoders leak, if they do, stays bounded
_KINDS: tuple[type[StagingError], ...] = (
    BadPicture,
    PictureAnimated,
    PictureEmpty,
    PictureTooLarge,
    PictureTruncated,
    PictureUnsupported,
    Retryable,
)
_BY_CODE = {kind.code: kind for kind in _KINDS}
_DEFAULT_LIMITS = Limits()


class WorkingCopy(msgspec.Struct, frozen=True, kw_only=True):
    """The picture that models see: PNG, sRGB, 8 bit RGB, upright, without metadata.

    ``width``, ``height`` in pixels. ``focal_px``: focal length in pixels of this picture as its
    camera told, None where Exif says nothing credible.
    """

    data: bytes
    width: int
    height: int
    focal_px: float | None = None


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """A model's output that passed: marked, and of exactly the wanted size.

    ``sha256``: of ``data``, in hexadecimal digits.
    """

    data: bytes
    content_type: str
    width: int
    height: int
    sha256: str


class Decoder:
    """A pool of warm decoding processes: started on first use, ended when the context exits.

    Cancelling a call ends the process that served it, not the pool. For one event loop.
    """

    def __init__(
        self,
        *,
        processes: int = 1,
        limits: Limits = _DEFAULT_LIMITS,
        max_output_bytes: int = _DEFAULT_LIMITS.max_bytes,
        time_limit_s: float = 30.0,
    ) -> None:
        """``processes``: jobs at one time. ``time_limit_s``: of one job, by clock and computed.

        ``limits``: of photos. ``max_output_bytes``: of what models answer with.
        """
        self._limits, self._time_limit_s = limits, time_limit_s
        self._outputs = outputs_within(limits, max_bytes=max_output_bytes)
        self._ours = unpacked(limits)
        self._processes, self._free = processes, asyncio.Semaphore(processes)
        self._idle: list[Child] = []
        self._busy: set[Child] = set()
        self._burials: set[asyncio.Task[None]] = set()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all processes; calls that still run fail with ``Retryable``."""
        self._closed = True
        for child in self._busy:
            child.kill()
        for _ in range(self._processes):
            await self._free.acquire()  # behind all calls, which end at once now
        for _ in range(self._processes):
            self._free.release()
        while self._idle:
            self._bury(self._idle.pop())
        await asyncio.gather(*self._burials)

    async def working_copy(self, data: bytes) -> WorkingCopy:
        """The working copy of a photo. The same bytes give the same bytes.

        Raises ``BadPicture`` or a subclass of it, or ``Retryable`` when the decoding process died
        of something else than the picture.
        """
        job = WorkingCopyJob(self._limits, self._cpu_s)
        done, copy = await self._do(job, BadPicture, data)
        return WorkingCopy(data=copy, width=done.width, height=done.height, focal_px=done.focal_px)

    async def model_input(self, data: bytes, layout: Layout, content_type: str) -> bytes:
        """A working copy as a model is given it: scaled and padded as ``layout`` says.

        ``content_type``: as ``convert`` takes it. The same bytes give the same bytes. Raises as
        ``convert``.
        """
        job = ModelInputJob(self._ours, self._cpu_s, layout, content_type)
        return (await self._do(job, BadPicture, data))[1]

    async def verify(
        self,
        output: bytes,
        *,
        original: bytes,
        width: int,
        height: int,
        digital_source_type: str,
        layout: Layout | None = None,
    ) -> Verified:
        """A model's output as it is kept: PNG of exactly that size, marked with its origin.

        ``original``: the working copy. ``layout``: of the canvas that the model was given, whose
        padding is cut off; None if it was given the working copy. An output of another size is
        scaled (Lanczos); the pixels of a PNG that fits stay as they are. Raises ``Retryable`` for
        what is not PNG, JPEG or WebP, cannot be decoded, is blank, is the original, or has a ratio
        that is off that of the canvas (or of ``width`` to ``height``) by more than 1 %.
        """
        job = VerifyJob(self._outputs, self._cpu_s, width, height, digital_source_type, layout)
        done, data = await self._do(job, Retryable, output, original)
        return Verified(
            data=data,
            content_type="image/png",
            width=done.width,
            height=done.height,
            sha256=done.sha256,
        )

    async def convert(self, data: bytes, content_type: str, *, quality: int = 92) -> bytes:
        """A picture as ``image/jpeg`` (4:4:4), ``image/webp`` or ``image/png``.

        Its mark is carried over, other metadata is not. ``quality``: 1..100, not for PNG. Raises
        ``PictureUnsupported`` for other types, and as ``working_copy``.
        """
        job = ConvertJob(self._ours, self._cpu_s, content_type, quality)
        return (await self._do(job, BadPicture, data))[1]

    async def thumbnail(self, data: bytes, *, max_side: int = 480, quality: int = 82) -> bytes:
        """A picture as a small JPEG: its longer side at most ``max_side`` pixels, never enlarged.

        Its mark is carried over. Raises as ``working_copy``.
        """
        job = ThumbnailJob(self._ours, self._cpu_s, max_side, quality)
        return (await self._do(job, BadPicture, data))[1]

    @property
    def _cpu_s(self) -> int:
        return math.ceil(self._time_limit_s)

    async def _do(
        self, job: Job, too_slow: type[StagingError], first: bytes, second: bytes = b""
    ) -> tuple[Done, bytes]:
        try:
            async with self._child() as child, asyncio.timeout(self._time_limit_s):
                answer, picture = await child.ask(job, first, second)
        except TimeoutError as error:
            raise self._too_slow(too_slow) from error
        except ChildDied as error:
            if error.out_of_time:
                raise self._too_slow(too_slow) from error
            raise Retryable(f"The process that decodes pictures died ({error}).") from error
        if isinstance(answer, Rejected):
            raise _BY_CODE.get(answer.code, StagingError)(answer.message, remedy=answer.remedy)
        return answer, picture

    def _too_slow(self, kind: type[StagingError]) -> StagingError:
        return kind(f"Decoding the picture takes more than {self._time_limit_s:g} s.")

    @asynccontextmanager
    async def _child(self) -> AsyncIterator[Child]:
        async with self._free:
            child = await self._next()
            self._busy.add(child)
            try:
                if self._closed:
                    child.kill()
                yield child
            except BaseException:
                await asyncio.shield(self._bury(child))
                raise
            finally:
                self._busy.discard(child)
            if child.jobs >= _JOBS_PER_CHILD or self._closed:
                self._bury(child)
            else:
                self._idle.append(child)

    async def _next(self) -> Child:
        if self._closed:
            raise StagingError("This decoder is closed.", remedy="Use it within `async with`.")
        while self._idle:
            child = self._idle.pop()
            if child.alive:
                return child
            self._bury(child)
        return await Child.start(max_memory=self._limits.max_memory)

    def _bury(self, child: Child) -> asyncio.Task[None]:
        """Clean up beside the caller, who may be cancelled once more meanwhile."""
        task = asyncio.create_task(child.bury())
        self._burials.add(task)
        task.add_done_callback(self._burials.discard)
        return task
