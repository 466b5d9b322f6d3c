"""One URL per choice: what it is read as, and that it never shows a secret."""

from __future__ import annotations

import traceback
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from staging_core.errors import SettingError
from staging_core.urls import BackendURL, hidden

schemes = st.from_regex(r"[a-z][a-z0-9+.-]{1,8}", fullmatch=True)
words = st.from_regex(r"[a-z0-9_]{1,10}", fullmatch=True)
# Long and unusual, so that it cannot stand in the rest of the URL by chance.
passwords = st.text(st.characters(blacklist_categories=("Cs",)), min_size=4, max_size=12).map(
    lambda text: f"PW{text}WP"
)
secret = {"secret", "password", "passwd", "token", "api_key", "apikey", "access_key"}


def test_a_scheme_alone_is_a_url() -> None:
    url = BackendURL.parse("render:")
    assert (url.scheme, url.path, dict(url.options)) == ("render", "", {})


def test_scheme_path_and_options_are_told_apart() -> None:
    url = BackendURL.parse(" s3://bucket/a%20b?endpoint_url=https://minio:9000&region= ")
    assert url.scheme == "s3"
    assert url.path == "bucket/a b"
    assert url.options == {"endpoint_url": "https://minio:9000", "region": ""}


def test_the_scheme_is_lower_case_however_it_was_written() -> None:
    assert BackendURL.parse("File:/Photos") == BackendURL(
        scheme="file", path="/Photos", options={}, raw="File:/Photos"
    )


@given(schemes, st.lists(words).map("/".join), st.dictionaries(words, words))
def test_what_is_written_is_read_back(scheme: str, path: str, options: dict[str, str]) -> None:
    options = {
        name: value for name, value in options.items() if not any(word in name for word in secret)
    }
    query = "&".join(f"{name}={value}" for name, value in options.items())
    url = BackendURL.parse(f"{scheme}:{path}?{query}")
    assert (url.scheme, url.path, url.options) == (scheme, path, options)
    assert str(url) == f"{scheme}:{path}?{query}"


@pytest.mark.parametrize("text", ["", "render", "/var/photos", "C:\\photos", ":x", "1a:", "a b:c"])
def test_what_has_no_scheme_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(SettingError) as failed:
        BackendURL.parse(text)
    assert "scheme:rest" in failed.value.remedy


@pytest.mark.parametrize("name", ["token", "SECRET_KEY", "aws_secret_access_key", "password"])
def test_a_secret_in_the_query_is_refused_without_being_shown(name: str) -> None:
    with pytest.raises(SettingError) as failed:
        BackendURL.parse(f"s3://bucket?{name}=PWsesameWP")
    assert name in failed.value.message
    assert "PWsesameWP" not in f"{failed.value.message}{failed.value.remedy}"


def test_an_option_given_twice_is_refused() -> None:
    with pytest.raises(SettingError, match="'region' twice"):
        BackendURL.parse("s3://bucket?region=a&region=b")


@given(
    schemes,
    st.sampled_from(["//ann:", "//:", "ann:", "https://ann:", "?at=https://ann:"]),
    passwords,
)
@example("redis", "//ann:", "PWa@b:c/d?e#fWP")
@example("redis", "ann:", "PW\n\t%40WP")
def test_a_password_is_never_shown(scheme: str, before: str, password: str) -> None:
    shown = []
    for written in (password, quote(password, safe="")):
        try:
            url = BackendURL.parse(f"{scheme}:{before}{written}@host/path")
            shown += [str(url), repr(url), f"{url}"]
        except SettingError as error:
            shown += [error.message, error.remedy]
    assert "PW" not in "".join(shown)


@given(schemes, passwords)
def test_a_password_inside_an_encoded_option_is_never_shown(scheme: str, password: str) -> None:
    nested = quote(f"https://ann:{quote(password, safe='')}@host", safe="")
    assert "PW" not in str(BackendURL.parse(f"{scheme}:bucket?endpoint_url={nested}"))


@given(st.text())
def test_any_text_is_a_url_or_a_setting_error(text: str) -> None:
    try:
        url = BackendURL.parse(text)
    except SettingError:
        return
    assert text.strip().lower().startswith(f"{url.scheme}:")


def test_a_wrong_url_with_a_password_is_not_quoted_in_the_traceback_either() -> None:
    with pytest.raises(SettingError) as failed:
        BackendURL.parse("9://ann:PWsesameWP@host")
    assert "PWsesameWP" not in "".join(traceback.format_exception_only(failed.value))


@pytest.mark.parametrize(
    "text", ["file:/var/photos@2x", "replicate:qwen/qwen-image-edit", "redis://host:6379/0"]
)
def test_a_url_without_a_password_is_shown_as_it_is(text: str) -> None:
    assert hidden(text) == text
