"""Decoding processes may be killed, starved and cancelled; their pool goes on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from staging_core.errors import BadPicture, PictureUnsupported, Retryable, StagingError
from staging_core.imaging import decoder as decoder_module
from staging_core.imaging.decoder import Decoder
from staging_core.imaging.limits import Limits
from staging_core.imaging.process import Child, ChildDied
from staging_core.imaging.protocol import WorkingCopyJob
from staging_core.testing.hostile import encoded, hostile_files, unusual_files

from .processes import children, open_files

BLIND = Limits(max_pixels=10**9, max_side=10**6)
PHOTO = encoded("JPEG", (480, 320))


@pytest.fixture(scope="module")
def slow() -> bytes:
    """A picture that takes seconds, for those who look away from its size."""
    return next(f for f in hostile_files() if f.name == "bomb-400-megapixels.png").build()


@pytest.fixture
def others() -> set[int]:
    """Children of this process that the test has not started, such as a server of other tests."""
    return children()


async def started(before: set[int]) -> int:
    """The process id of the next child that appears."""
    while not (new := children() - before):  # noqa: ASYNC110  (nobody tells)
        await asyncio.sleep(0.01)
    return new.pop()


def test_a_killed_process_is_a_typed_error_and_the_next_call_works(slow: bytes) -> None:
    async def scenario() -> None:
        async with Decoder(limits=BLIND) as decoder:
            before = children()
            call = asyncio.create_task(decoder.working_copy(slow))
            os.kill(await started(before), signal.SIGKILL)
            with pytest.raises(Retryable, match="died"):
                await call
            assert (await decoder.working_copy(PHOTO)).width == 480

    asyncio.run(scenario())


def test_a_process_without_the_codec_of_a_kind_says_that_it_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = next(file for file in unusual_files() if file.name == "photo.heic").build()
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['pillow_heif'] = None\n")
    monkeypatch.syspath_prepend(tmp_path)  # the process finds modules where this one does

    async def scenario() -> None:
        async with Decoder() as decoder:
            with pytest.raises(PictureUnsupported, match="cannot be read here") as caught:
                await decoder.working_copy(photo)
            assert "JPEG" in caught.value.remedy

    asyncio.run(scenario())


def test_a_process_killed_while_idle_costs_nobody_anything() -> None:
    async def scenario() -> None:
        async with Decoder() as decoder:
            before = children()
            await decoder.working_copy(PHOTO)
            os.kill((children() - before).pop(), signal.SIGKILL)
            while decoder._idle[0].alive:  # noqa: ASYNC110  (nobody tells)
                await asyncio.sleep(0.01)
            assert (await decoder.working_copy(PHOTO)).width == 480

    asyncio.run(scenario())


def test_a_picture_that_takes_too_long_is_given_up(slow: bytes, others: set[int]) -> None:
    async def scenario() -> None:
        async with Decoder(limits=BLIND, time_limit_s=0.5) as decoder:
            with pytest.raises(BadPicture, match=r"more than 0\.5 s"):
                await decoder.working_copy(slow)

    asyncio.run(scenario())
    assert children() == others


def test_the_operating_system_ends_a_process_that_computes_too_long(slow: bytes) -> None:
    async def scenario() -> None:
        child = await Child.start(max_memory=10**10)
        try:
            with pytest.raises(ChildDied) as caught:
                await child.ask(WorkingCopyJob(BLIND, cpu_s=1), slow)
            assert caught.value.out_of_time
        finally:
            await child.bury()

    asyncio.run(scenario())


def test_cancelling_a_call_ends_its_process_and_not_the_pool(slow: bytes) -> None:
    async def scenario() -> None:
        async with Decoder(limits=BLIND) as decoder:
            before = children()
            call = asyncio.create_task(decoder.working_copy(slow))
            cancelled = await started(before)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert cancelled not in children()
            assert (await decoder.working_copy(PHOTO)).width == 480

    asyncio.run(scenario())


def test_closing_ends_running_and_waiting_calls(slow: bytes, others: set[int]) -> None:
    async def scenario() -> list[object]:
        before = children()
        async with Decoder(limits=BLIND) as decoder:
            calls = [asyncio.create_task(decoder.working_copy(slow)) for _ in range(2)]
            await started(before)
        results = await asyncio.gather(*calls, return_exceptions=True)
        with pytest.raises(StagingError, match="closed"):
            await decoder.working_copy(PHOTO)
        return list(results)

    running, waiting = asyncio.run(scenario())
    assert isinstance(running, Retryable)
    assert isinstance(waiting, StagingError)
    assert children() == others


def test_a_hundred_pictures_leave_no_process_and_no_descriptor(
    monkeypatch: pytest.MonkeyPatch, others: set[int]
) -> None:
    monkeypatch.setattr(decoder_module, "_JOBS_PER_CHILD", 30)

    async def scenario() -> tuple[int, int, int]:
        async with Decoder(processes=2) as decoder:
            await asyncio.gather(*(decoder.working_copy(PHOTO) for _ in range(4)))
            early, seen = open_files(), set[int]()
            for _ in range(48):
                await asyncio.gather(*(decoder.working_copy(PHOTO) for _ in range(2)))
                seen |= children() - others
            return early, open_files(), len(seen)

    before = open_files()
    early, late, processes = asyncio.run(scenario())
    assert late <= early
    assert open_files() == before
    assert children() == others
    assert 4 <= processes <= 6


def test_no_damage_to_a_file_kills_its_process() -> None:
    """A seeded sample; longer runs of the same found nothing in tens of thousands."""
    sound = [data for data in (file.build() for file in unusual_files()) if len(data) < 60_000]
    dice = random.Random(1)  # noqa: S311

    async def scenario() -> int:
        async with Decoder() as decoder:
            before = children()
            for _ in range(300):
                with contextlib.suppress(BadPicture):
                    await decoder.working_copy(_damaged(dice.choice(sound), dice))
            return len(children() - before)

    assert asyncio.run(scenario()) == 1


def _damaged(data: bytes, dice: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(len(damaged))
        damaged[at : at + dice.choice((0, 1, 1, 9))] = dice.randbytes(dice.choice((0, 1, 1, 4)))
    return bytes(damaged)


def test_the_same_photo_gives_the_same_bytes_in_any_process() -> None:
    async def scenario() -> set[bytes]:
        async with Decoder() as one, Decoder() as other:
            return {(await decoder.working_copy(PHOTO)).data for decoder in (one, one, other)}

    assert len(asyncio.run(scenario())) == 1


SCRIPT = """
import asyncio, sys
from staging_core.imaging.decoder import Decoder

async def main():
    async with Decoder() as decoder:
        copy = await decoder.working_copy(open(sys.argv[1], "rb").read())
        print(copy.width, copy.height, "PIL" in sys.modules)

asyncio.run(main())
"""


@pytest.mark.parametrize("how", [["-c", SCRIPT], ["caller.py"], ["-m", "caller"]], ids=str)
def test_it_works_however_its_caller_was_started(how: list[str], tmp_path: Path) -> None:
    (tmp_path / "caller.py").write_text(SCRIPT)
    assert _run(how, tmp_path) == ("480 320 False\n", "")


def test_modules_in_the_working_folder_are_not_mistaken_for_the_real_ones(tmp_path: Path) -> None:
    (tmp_path / "PIL.py").write_text("raise SystemExit('the wrong PIL')")
    assert _run(["-P", "-c", SCRIPT], tmp_path) == ("480 320 False\n", "")


def _run(arguments: list[str], folder: Path) -> tuple[str, str]:
    (folder / "photo.jpg").write_bytes(PHOTO)
    result = subprocess.run(
        [sys.executable, *arguments, "photo.jpg"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return result.stdout, result.stderr


def test_the_processes_inherit_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")

    async def scenario() -> bytes:
        async with Decoder() as decoder:
            before = children()
            await decoder.working_copy(PHOTO)
            return _environment((children() - before).pop())

    assert b"hunter2" not in asyncio.run(scenario())


def _environment(process: int) -> bytes:
    return Path(f"/proc/{process}/environ").read_bytes()
