"""Which IP addresses lie in the open internet, which only look so, and which are our own network's.

The registries are IANA's for special-purpose addresses, as ``ipaddress`` carries them. They call
some IPv6 addresses global that a gateway turns into an IPv4 address, which then need not be.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
_PRIVATE_V4 = tuple(
    IPv4Network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8")
)  # RFC 1918, and this machine
_PRIVATE_V6 = (IPv6Network("fc00::/7"), IPv6Network("::1/128"))  # RFC 4193, and this machine
# What older Pythons do not know to be special: protocol assignments and a cloud's metadata in them,
# relays for 6to4 (RFC 7526), site-local addresses (RFC 3879), documentation (RFC 9637), SRv6 ids.
_CLOSED_V4 = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))
_CLOSED_V6 = (IPv6Network("fec0::/10"), IPv6Network("3fff::/20"), IPv6Network("5f00::/16"))
_METADATA = IPv6Address("fd00:ec2::254")  # AWS keeps it among private addresses
_WIRE_SERVER = IPv4Address("168.63.129.16")  # Azure's, in public space, answers from within


def is_public(address: str) -> bool:
    """Whether this IP address is a public one, also after every IPv4 address in it is taken out.

    False for private, loopback, link-local (cloud metadata), shared, multicast and reserved
    addresses, for the deprecated ``::a.b.c.d`` and Teredo, and for what is no address.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return _is_public_v4(parsed)
    inner = _translated(parsed)
    if inner is not None:
        return _is_public_v4(inner)
    if any(parsed in network for network in _CLOSED_V6):
        return False
    tunnel = parsed.sixtofour
    return _is_unicast(parsed) and (tunnel is None or _is_public_v4(tunnel))


def is_private(address: str) -> bool:
    """Whether this IP address is one of an operator's own network, or of this machine.

    False for link-local addresses and others where clouds keep metadata, for shared and reserved
    ones, for IPv4 addresses within IPv6 ones, and for what is no address.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return any(parsed in network for network in _PRIVATE_V4)
    if parsed.scope_id is not None or parsed == _METADATA:
        return False
    return any(parsed in network for network in _PRIVATE_V6)


def is_loopback(address: str) -> bool:
    """Whether this is an IP address of this very machine: 127.0.0.0/8 or ::1."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _translated(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that is connected in the end: mapped (RFC 4291) or behind a NAT64."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


def _is_public_v4(address: IPv4Address) -> bool:
    closed = address == _WIRE_SERVER or any(address in network for network in _CLOSED_V4)
    return _is_unicast(address) and not closed


def _is_unicast(address: IPv4Address | IPv6Address) -> bool:
    """Global and nothing special. Python's ``is_global`` alone takes in multicast and ::/8."""
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_link_local or address.is_private
    )
