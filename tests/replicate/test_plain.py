"""A provider's words, as they are shown: no address of a photo, nothing that it is signed with."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staging_core.backends.replicate.transport import plain

KEY = f"AKIA{'7' * 16}"
SIGNED = (
    f"/working/x.png?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={KEY}"
    "%2F20260101%2Feu%2Fs3%2Faws4_request&X-Amz-Signature=5ec4e7"
)
"""As errors of clients show it: without the host."""


@pytest.mark.parametrize(
    "words",
    [
        f"Max retries exceeded with url: {SIGNED} (Caused by timeout)",
        f"cannot read https://bucket.example{SIGNED}.",
        f"cannot read HTTPS://bucket.example{SIGNED}.",
        json.dumps({"url": f"https://bucket.example{SIGNED}"}).replace("/", "\\/"),
        f"HTTPS:\\/\\/bucket.example{SIGNED}".replace("&", "\\u0026"),
        f"//bucket.example{SIGNED}",
        f"bucket.example{SIGNED}",
        f"<a href='http://bucket.example{SIGNED}'>photo</a>",
        quote(f"https://bucket.example{SIGNED}", safe=""),
        quote(quote(f"https://bucket.example{SIGNED}", safe=""), safe=""),
        f"data:image/png;base64,{KEY}5ec4e7",
        "&X-Amz-Signature=5ec4e7 was refused",
        f"x-amz-credential:{KEY}/5ec4e7",
        "The token r8_5ec4e7 is revoked",
        "x" * 9_990 + f" https://bucket.example{SIGNED}",
    ],
)
def test_no_word_tells_where_a_photo_is_or_what_opens_it(words: str) -> None:
    shown = plain(words)
    assert "AKIA" not in shown
    assert "5ec4e7" not in shown
    assert "working" not in shown
    assert len(shown) <= 300


@pytest.mark.parametrize(
    "words",
    [
        "CUDA out of memory. Tried to allocate 2 GiB (GPU 0; 40 GiB total).",
        "acme/room-edit has no version 5c7d5dc6",
        "input: prompt_upsampling must be one of true, false; seed=7 is fine",
        "the function's signature does not fit",
        "What is this? An error and/or a warning (E005)",
    ],
)
def test_words_that_tell_nothing_stay(words: str) -> None:
    assert plain(words) == words


def test_what_cannot_be_printed_is_left_out() -> None:
    assert plain("out\0 of\x1b[0m\tmem\u200bory\ud800\r\n") == "out of[0m memory"


@given(st.text())
def test_what_is_shown_is_printable_and_on_one_line(words: str) -> None:
    assert plain(words).isprintable()


@pytest.mark.parametrize("unseen", ["\0", "\x08", "\u200b", "\ud800"])
def test_no_address_hides_behind_what_cannot_be_printed(unseen: str) -> None:
    assert plain(f"cannot read https:/{unseen}/5ec4e7.example") == "cannot read (address)"


TEXT = st.text(st.characters(exclude_characters="\"'<>`"), max_size=40)


@given(TEXT, TEXT, st.sampled_from(["https://", "HTTP://", "s3://", "https:\\/\\/", "//", "/a?k="]))
def test_what_stands_around_an_address_never_shows_it(before: str, after: str, scheme: str) -> None:
    assert "5ec4e7" not in plain(f"{before}{scheme}5ec4e7 {after}")
