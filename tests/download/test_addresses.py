"""Public addresses, and those that only look so."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staging_core.download import is_private, is_public

CLOSED_V4 = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "168.63.129.16/32",
    "192.0.0.0/24",
    "192.88.99.0/24",
]
CLOSED_V6 = [
    "::/96",
    "100::/64",
    "2001::/32",  # Teredo
    "2001:db8::/32",
    "64:ff9b:1::/48",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fec0::/10",
    "fe80::/10",
    "ff00::/8",
]
V4_IN_V6 = {
    "mapped": lambda v4: IPv6Address((0xFFFF << 32) | v4),
    "NAT64": lambda v4: IPv6Address((0x64FF9B << 96) | v4),
    "6to4": lambda v4: IPv6Address((0x2002 << 112) | (v4 << 80) | 1),
}
closed_v4 = st.sampled_from(CLOSED_V4).flatmap(
    lambda network: st.ip_addresses(network=IPv4Network(network))
)
closed_v6 = st.sampled_from(CLOSED_V6).flatmap(
    lambda network: st.ip_addresses(network=IPv6Network(network))
)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "104.16.0.1", "2606:4700::1"])
def test_what_lies_in_the_open_internet_is_public(address: str) -> None:
    assert is_public(address)


@given(closed_v4 | closed_v6)
def test_a_special_address_is_not(address: IPv4Address | IPv6Address) -> None:
    assert not is_public(str(address))


@pytest.mark.parametrize("form", V4_IN_V6)
@given(inner=closed_v4)
def test_nor_is_one_that_hides_in_an_ipv6_address(form: str, inner: IPv4Address) -> None:
    assert not is_public(str(V4_IN_V6[form](int(inner))))


@pytest.mark.parametrize("form", V4_IN_V6)
@given(inner=st.ip_addresses(v=4))
def test_a_translated_address_is_as_public_as_the_one_in_it(form: str, inner: IPv4Address) -> None:
    assert is_public(str(V4_IN_V6[form](int(inner)))) == is_public(str(inner))


@given(st.ip_addresses())
def test_every_address_has_an_answer(address: IPv4Address | IPv6Address) -> None:
    assert is_public(str(address)) in (True, False)


@given(st.text())
def test_what_is_no_address_is_not_public(text: str) -> None:
    assert not is_public(text) or IPv4Address(text)


@pytest.mark.parametrize("address", ["0177.0.0.1", "127.1", "2130706433", "fe80::1%eth0", ""])
def test_nor_is_one_in_a_form_that_only_some_understand(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["10.0.0.8", "172.31.0.1", "192.168.1.1", "127.0.0.1", "::1", "fd12:3456::1"]
)
def test_an_operators_own_network_is_private(address: str) -> None:
    assert is_private(address)
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104
        "100.100.100.200",
        "169.254.169.254",
        "168.63.129.16",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::ffff:10.0.0.8",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1%eth0",
        "10.8",
        "",
    ],
)
def test_where_clouds_keep_metadata_is_nobodys_own_network(address: str) -> None:
    assert not is_private(address)


@given(st.ip_addresses())
def test_no_address_is_private_and_public(address: IPv4Address | IPv6Address) -> None:
    assert not (is_private(str(address)) and is_public(str(address)))
