"""Signed addresses of our own: nothing in them can be changed, and they end."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from staging_core.errors import AddressRefused
from staging_core.models import DownloadGrant, UploadGrant
from staging_core.own_address import OBJECTS_PATH, OwnAddresses

NOW = 1_800_000_000.0
OWN = OwnAddresses("a key of sixteen characters or more")
UPLOAD = UploadGrant(
    key="uploads/a/in/b.jpg", content_type="image/jpeg", max_bytes=1000, cache_control="public"
)
DOWNLOAD = DownloadGrant(key="staged/a/b.png", content_type="image/png", filename="Küche & Bad.png")


def taken_apart(url: str) -> tuple[str, dict[str, str]]:
    """Key and query as a server hands them on."""
    parts = urlsplit(url)
    return unquote(parts.path).partition(OBJECTS_PATH)[2], dict(parse_qsl(parts.query))


def test_what_was_granted_comes_out_of_the_address() -> None:
    ticket = OWN.upload("https://here.example/m", UPLOAD, now=NOW)
    assert ticket.url.startswith("https://here.example/m/api/v1/objects/uploads/a/in/b.jpg?")
    assert ticket.headers == {"Content-Type": "image/jpeg", "Cache-Control": "public"}
    granted = OWN.check_upload(*taken_apart(ticket.url), now=NOW + 10)
    assert (granted.key, granted.content_type) == (UPLOAD.key, "image/jpeg")
    assert (granted.max_bytes, granted.cache_control) == (1000, "public")
    url = OWN.download("", DOWNLOAD, now=NOW)
    found = OWN.check_download(*taken_apart(url), now=NOW + 10)
    assert (found.key, found.content_type, found.filename) == (
        DOWNLOAD.key,
        "image/png",
        "Küche & Bad.png",
    )


def test_an_address_ends() -> None:
    key, query = taken_apart(OWN.upload("", UPLOAD, now=NOW).url)
    OWN.check_upload(key, query, now=NOW + 899)
    with pytest.raises(AddressRefused, match="expired"):
        OWN.check_upload(key, query, now=NOW + 901)


def test_an_address_is_for_one_method() -> None:
    put, get = OWN.upload("", UPLOAD, now=NOW).url, OWN.download("", DOWNLOAD, now=NOW)
    with pytest.raises(AddressRefused):
        OWN.check_download(*taken_apart(put), now=NOW)
    with pytest.raises(AddressRefused):
        OWN.check_upload(*taken_apart(get), now=NOW)


def test_a_form_is_granted_as_one_and_says_in_fields_what_else_are_headers() -> None:
    form = OWN.upload("", replace(UPLOAD, form=True), now=NOW)
    assert (form.method, form.headers) == ("POST", {})
    assert form.fields == {"Content-Type": "image/jpeg", "Cache-Control": "public"}
    assert OWN.check_upload(*taken_apart(form.url), now=NOW, form=True).form
    with pytest.raises(AddressRefused):
        OWN.check_upload(*taken_apart(form.url), now=NOW)
    with pytest.raises(AddressRefused):
        OWN.check_upload(*taken_apart(OWN.upload("", UPLOAD, now=NOW).url), now=NOW, form=True)


def test_another_installations_address_is_none_of_ours() -> None:
    other = OwnAddresses("another key, of sixteen characters or more")
    with pytest.raises(AddressRefused):
        OWN.check_upload(*taken_apart(other.upload("", UPLOAD, now=NOW).url), now=NOW)


@given(
    st.sampled_from(["key", "expires", "type", "size", "cache", "name", "signature"]),
    st.text(max_size=40),
)
def test_whatever_is_changed_it_is_refused(part: str, value: str) -> None:
    key, query = taken_apart(OWN.upload("", UPLOAD, now=NOW).url)
    assume(value != {**query, "key": key}.get(part, ""))
    changed = {**query, part: value}
    with pytest.raises(AddressRefused):
        OWN.check_upload(changed.pop("key", key), changed, now=NOW)


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=10)), st.text(max_size=60))
def test_what_somebody_makes_up_is_refused(query: dict[str, str], key: str) -> None:
    for check in (OWN.check_upload, OWN.check_download):
        with pytest.raises(AddressRefused):
            check(key, query, now=NOW)


def test_nothing_shows_the_key() -> None:
    assert "sixteen" not in repr(OWN) + repr(vars(OWN))
    assert "signature" not in repr(OWN.upload("", UPLOAD, now=NOW))
