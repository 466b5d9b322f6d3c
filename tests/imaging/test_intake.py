"""Reading a photo from a path, and looking at its header."""

from __future__ import annotations

import asyncio
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staging_core.errors import (
    BadPicture,
    FileMissing,
    FileUnreadable,
    PictureEmpty,
    PictureTooLarge,
    PictureUnsupported,
)
from staging_core.imaging import intake
from staging_core.imaging.intake import Examined, examine, read_photo
from staging_core.imaging.limits import Limits
from staging_core.testing.hostile import encoded, hostile_files, unusual_files

SMALL = Limits(max_bytes=1000)
SEEDS = [file.build() for file in unusual_files()] + [
    data for data in (file.build() for file in hostile_files()) if len(data) < 100_000
]


def read(source: str | os.PathLike[str] | bytes, limits: Limits = SMALL) -> bytes:
    return asyncio.run(read_photo(source, limits))


def test_a_file_is_read_by_path_string_or_bytes(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"some bytes")
    assert read(path) == read(str(path)) == read(b"some bytes") == b"some bytes"


@pytest.mark.parametrize("path", ["nowhere.jpg", "photo.jpg/inside.jpg", "broken-link.jpg"])
def test_a_missing_file_is_named(path: str, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"x")
    (tmp_path / "broken-link.jpg").symlink_to("nowhere")
    with pytest.raises(FileMissing, match=path):
        read(tmp_path / path)


def test_a_folder_a_device_and_a_pipe_are_no_photos(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, Path("/dev/zero"), tmp_path / "pipe", Path("a\0b"), "x" * 5000):
        with pytest.raises(FileUnreadable):
            read(path)


def test_a_file_without_permission_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "private.jpg"
    path.write_bytes(b"x")
    path.chmod(0)
    with somebody_else(), pytest.raises(FileUnreadable, match="permission denied"):
        read(path)


@contextmanager
def somebody_else() -> Iterator[None]:
    """As a user without rights, where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_an_empty_file_is_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(PictureEmpty):
        read(tmp_path / "empty.jpg")


def test_of_a_file_beyond_the_limit_only_one_more_byte_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "huge.jpg"
    with path.open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(PictureTooLarge, match="larger than"):
        read(path)
    path.write_bytes(bytes(1000))
    assert len(read(path)) == 1000
    with pytest.raises(PictureTooLarge):
        read(bytes(1001))


def test_the_bytes_decide_not_the_name() -> None:
    assert examine(encoded("WEBP"), Limits()) == Examined(
        content_type="image/webp", extension="webp", width=48, height=32
    )


def test_heic_without_its_package_is_a_kind_that_is_not_read_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    photo = next(file for file in unusual_files() if file.name == "photo.heic").build()
    monkeypatch.setattr(intake, "find_spec", lambda name: None)
    with pytest.raises(PictureUnsupported, match="HEIC, which cannot be read here") as caught:
        examine(photo, Limits())
    assert (caught.value.status, caught.value.code) == (422, "picture_unsupported")
    assert caught.value.remedy.startswith("Send the photo as JPEG")
    assert 'pip install "staging-core[heif]"' in caught.value.remedy


def test_limits_are_settings() -> None:
    examine(encoded("PNG"), Limits(max_side=48, max_pixels=48 * 32))
    with pytest.raises(PictureTooLarge):
        examine(encoded("PNG"), Limits(max_side=47))
    with pytest.raises(PictureTooLarge):
        examine(encoded("PNG"), Limits(max_pixels=48 * 32 - 1))


@pytest.mark.parametrize(
    ("beginning", "word"),
    [
        (b"\xef\xbb\xbf  \n<!doctype HTML>", "HTML"),
        (b'<?xml version="1.0"?>\n<svg>', "SVG"),
        (b"\n\n%PDF-1.4", "PDF"),
        (b'{"not": "a photo"}', "text"),
        ("Ä".encode() * 511 + b"\xc3", "text"),
        (b"FUJIFILMCCD-RAW 0201", "raw"),
        (b"\0\0\0\x0cJXL \r\n", "JPEG XL"),
    ],
)
def test_a_refusal_says_what_the_file_is_instead(beginning: bytes, word: str) -> None:
    with pytest.raises(PictureUnsupported, match=word):
        examine(beginning, Limits())


@given(st.data())
def test_no_bytes_at_all_surprise_the_header_readers(data: st.DataObject) -> None:
    damaged = bytearray(data.draw(st.sampled_from(SEEDS)))
    if damaged:
        for _ in range(data.draw(st.integers(0, 8))):
            at = data.draw(st.integers(0, min(len(damaged), 400) - 1))
            damaged[at] = data.draw(st.integers(0, 255))
        damaged = damaged[: data.draw(st.integers(0, len(damaged)))]
    try:
        examined = examine(bytes(damaged), Limits())
    except BadPicture:
        return
    assert 0 < examined.width * examined.height <= Limits().max_pixels


@pytest.mark.parametrize("count", [100, 300_000])
def test_a_file_of_nothing_but_chunks_is_given_up_soon(count: int) -> None:
    chunk = struct.pack(">I4sI", 0, b"tEXt", 0)
    head = encoded("PNG")[:33]
    with pytest.raises(BadPicture):
        examine(head + chunk * count, Limits())
