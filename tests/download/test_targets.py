"""Which addresses are on a list; nobody is asked, nothing is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staging_core.download import Target, target
from staging_core.errors import OutputRefused

HOSTS = ("files.example", "*.cdn.example", "odd.example:8443", "127.0.0.1:9000", "[::1]:9000")


@pytest.mark.parametrize(
    ("url", "to"),
    [
        ("https://files.example/a.png?sig=1", Target(host="files.example", port=443)),
        ("https://FILES.example:443/a.png", Target(host="files.example", port=443)),
        ("https://eu.cdn.example/", Target(host="eu.cdn.example", port=443)),
        ("https://a.b.cdn.example/", Target(host="a.b.cdn.example", port=443)),
        ("https://odd.example:8443/", Target(host="odd.example", port=8443)),
        (
            "http://127.0.0.1:9000/",
            Target(host="127.0.0.1", port=9000, addresses=("127.0.0.1",)),
        ),
        ("http://[::1]:9000/", Target(host="::1", port=9000, addresses=("::1",))),
    ],
)
def test_a_listed_host_is_a_target(url: str, to: Target) -> None:
    assert target(url, HOSTS) == to


@pytest.mark.parametrize(
    "url",
    [
        "https://other.example/",
        "https://cdn.example/",
        "https://evilcdn.example/",
        "https://files.example.evil.example/",
        "https://files.example./",
        "https://sub.files.example/",
        "https://files.example:8443/",
        "https://odd.example/",
        "http://files.example/",
        "http://files.example:443/",
        "https://files.example@evil.example/",
        "https://user:pass@files.example/",
        "https://evil.example\\@files.example/",
        "https://evil.example#@files.example/",
        "https://evil.example/https://files.example/",
        "//files.example/a.png",
        "/a.png",
        "",
        "ftp://files.example/",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "gopher://files.example/",
        "http://127.0.0.1/",
        "http://127.0.0.1:9001/",
        "http://127.0.0.2:9000/",
        "http://127.1:9000/",
        "http://2130706433:9000/",
        "http://localhost:9000/",
        "http://[::ffff:127.0.0.1]:9000/",
        "http://[0:0:0:0:0:0:0:1]:9001/",
        "https://169.254.169.254/",
        "https://files.example:notaport/",
        "https://files.example\r\nHost: evil.example/",
        "https://xn--\x00/",
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(OutputRefused):
        target(url, HOSTS)


@pytest.mark.parametrize("hosts", [(), ("*",), ("*.",), ("",), ("://files.example",), (":",)])
def test_a_list_that_names_no_host_allows_none(hosts: tuple[str, ...]) -> None:
    with pytest.raises(OutputRefused):
        target("https://files.example/", hosts)


@pytest.mark.parametrize("hosts", [("127.0.0.1",), ("*.0.0.1",), ("localhost",), ("*.localhost",)])
def test_a_provider_on_this_machine_is_only_reached_with_its_port(hosts: tuple[str, ...]) -> None:
    for url in ("https://127.0.0.1/", "http://127.0.0.1/", "https://localhost/"):
        with pytest.raises(OutputRefused):
            target(url, hosts)


OWN = ("http://double.internal", "https://gateway.internal:8443", "http://[fd00::7]")


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://double.internal/out.png", "double.internal", 80),
        ("http://double.internal:9000/", "double.internal", 9000),
        ("https://DOUBLE.internal/", "double.internal", 443),
        ("https://gateway.internal:8443/", "gateway.internal", 8443),
        ("http://[fd00::7]:9000/", "fd00::7", 9000),
    ],
)
def test_a_host_with_a_scheme_is_the_operators_own(url: str, host: str, port: int) -> None:
    assert target(url, OWN) == Target(host=host, port=port, own=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://gateway.internal:8443/",
        "https://gateway.internal/",
        "https://gateway.internal:8444/",
        "http://sub.double.internal/",
        "http://double.internal.evil.example/",
        "http://double.internal@evil.example/",
        "http://user:pass@double.internal/",
        "ftp://double.internal/",
        "http://other.internal/",
        "http://[fd00::8]/",
    ],
)
def test_the_operators_word_is_for_that_host_and_scheme_only(url: str) -> None:
    with pytest.raises(OutputRefused):
        target(url, OWN)


@pytest.mark.parametrize(
    "entry",
    [
        "http://*.internal",
        "http://*",
        "http://",
        "http://a.internal/",
        "http://me@a.internal",
        "http://a.internal?x",
        "http://a.internal:port",
        "ftp://a.internal",
        "//a.internal",
    ],
)
def test_an_entry_that_is_more_than_an_origin_names_nobody(entry: str) -> None:
    with pytest.raises(OutputRefused):
        target("http://a.internal/", [entry])


def test_this_machine_may_be_named_with_any_port() -> None:
    assert target("http://127.0.0.1:5/", ["http://127.0.0.1"]).addresses == ("127.0.0.1",)
    assert target("http://localhost:5/", ["http://localhost"]).addresses == ("127.0.0.1", "::1")
    with pytest.raises(OutputRefused):
        target("http://127.0.0.1:5/", ["http://localhost", "http://127.0.0.1:6"])


def test_localhost_is_this_machine_whatever_a_name_server_says() -> None:
    to = target("http://localhost:9000/", ["localhost:9000"])
    assert to.addresses == ("127.0.0.1", "::1")


@given(st.text(), st.sampled_from(["", "https://", "https://files.example", "http://127.0.0.1:9"]))
def test_no_text_is_more_than_refused(text: str, start: str) -> None:
    try:
        to = target(start + text, HOSTS)
    except OutputRefused:
        return
    listed = ("files.example", 443), ("odd.example", 8443), ("127.0.0.1", 9000), ("::1", 9000)
    assert (to.host, to.port) in listed or to.host.endswith(".cdn.example")


def test_a_refusal_names_the_host_and_nothing_of_the_query() -> None:
    with pytest.raises(OutputRefused, match=r"other\.example") as refused:
        target("https://other.example/path?X-Signature=s3cret", HOSTS)
    assert "s3cret" not in str(refused.value)
    with pytest.raises(OutputRefused) as broken:
        target("https://files.example:99999999/?X-Signature=s3cret\n", HOSTS)
    assert "s3cret" not in repr(broken.value.__cause__) + str(broken.value)
