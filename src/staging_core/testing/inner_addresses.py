"""Addresses that lead, or seem to lead, somewhere else than into the open internet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

# Where a listener of the test's own waits; every one of these is this machine.
LOOPBACK = (
    "127.0.0.1", "127.0.0.2", "127.1", "127.0.1", "127.255.255.254", "0.0.0.0", "0", "0x0",  # noqa: S104
    "2130706433", "0x7f000001", "0x7F.0.0.1", "0x7f.1", "017700000001", "0177.0.0.1", "0177.1",
    "0177.0.0.01", "127.0.0.0x1", "127.0.0.01", "00127.0.0.1", "0x7f.0x0.0x0.0x1", "127.0x1",
    "localhost", "LOCALHOST", "localhost.", "127.0.0.1.", "ip6-localhost",
    "[::1]", "[0:0:0:0:0:0:0:1]", "[0000:0000:0000:0000:0000:0000:0000:0001]", "[::]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:0:127.0.0.1]", "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
    "[2002:7f00:0001::1]", "[2001:0:53aa:64c:0:fbfe:80ff:fffe]", "[2001::1]", "[::1%25lo]",
    "[fe80::1%25lo]", "[::ffff:127.1]", "[1::127.0.0.1]",
)  # fmt: skip

PRIVATE = (
    "10.0.0.1", "10.255.255.255", "10.1", "167772161", "0xa000001", "012.0.0.1",
    "172.16.0.1", "172.31.255.255", "2886729729", "192.168.0.1", "192.168.1", "3232235521",
    "0xc0a80001", "192.168.65537", "100.64.0.1", "100.127.255.254", "192.0.0.1", "192.0.0.8",
    "192.0.0.170", "192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
    "192.88.99.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "0.0.0.1",
    "0.1.2.3", "[fc00::1]", "[fd00::1]", "[fd12:3456:789a::1]", "[fe80::1]", "[febf::1]",
    "[ff02::1]", "[ff0e::1]", "[2001:db8::1]", "[100::1]", "[::ffff:10.0.0.1]",
    "[::ffff:192.168.0.1]", "[::ffff:a00:1]", "[64:ff9b::10.0.0.1]", "[64:ff9b::a00:1]",
    "[64:ff9b:1::10.0.0.1]", "[2002:a00:1::]", "[2002:c0a8:1::1]", "[2002:ac10:1::]",
    "[2001:0:53aa:64c:0:fbfe:f5ff:fffe]", "[::10.0.0.1]", "[::a00:1]", "[fec0::1]", "[3fff::1]",
    "[5f00::1]",
)  # fmt: skip

METADATA = (
    "169.254.169.254", "169.254.170.2", "169.254.169.253", "169.254.0.1", "2852039166",
    "0xA9FEA9FE", "0xa9.0xfe.0xa9.0xfe", "0251.0376.0251.0376", "025177524776", "169.16689662",
    "169.254.43518", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[64:ff9b::169.254.169.254]",
    "[2002:a9fe:a9fe::]", "[::169.254.169.254]", "[fd00:ec2::254]", "[fe80::a9fe:a9fe]",
    "168.63.129.16", "2822734096", "[::ffff:168.63.129.16]", "100.100.100.200", "192.0.0.192",
)  # fmt: skip

# Names that lead inside, as a name server in somebody's hands answers them.
NAMES = {
    "inside.example": ["10.0.0.1"],
    "metadata.example": ["169.254.169.254"],
    "both.example": ["93.184.216.34", "127.0.0.1"],
    "sixes.example": ["2606:4700::1", "::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "metadata.google.internal": ["169.254.169.254"],
    "localhost.example": ["127.0.0.1"],
    "zone.example": ["fe80::1%lo"],
    "nothing.example": ["not an address"],
    "127.0.0.1.nip.example": ["127.0.0.1"],
}

# No https addresses at all, whatever they look like.
CROOKED = (
    "http://files.example/room.jpg", "ftp://files.example/room.jpg", "file:///etc/passwd",
    "gopher://127.0.0.1:70/_GET", "data:image/jpeg;base64,/9j/", "dict://127.0.0.1:11211/stat",
    "https:files.example", "https://", "https:///room.jpg", "//files.example/room.jpg", "room.jpg",
    "", " ", "javascript:alert(1)", "https://me@files.example/", "https://me:pw@files.example/",
    "https://files.example@127.0.0.1/", "https://127.0.0.1#@files.example/",
    "https://127.0.0.1\\@files.example/", "https://files.example\\@127.0.0.1/",
    "https://127.0.0.1%2f@files.example/", "https://[::1", "https://[::1]x/", "https://[files]/",
    "https://files.example:99999/", "https://files.example:port/", "https://files.example:-1/", "https://files.example:0/",
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "https://１２７.0.0.1/", "https://127。0。0。1/", "https://loc\u00adalhost/",
    "https://local\u200bhost/", "https://xn--\0/", "https://files.example\r\nHost: inside.example/",
    "https://files.example\t/", "https://files.example /", "https://-.example/", "https://.../",
    "https://" + "a" * 300 + ".example/", "https://%31%32%37.0.0.1/", "https://127.0.0.1%00.example/",
    "wss://files.example/", "HTTP://127.0.0.1/", "https+unix://%2Frun%2Fdocker.sock/",
)  # fmt: skip

PUBLIC = "93.184.216.34"


async def resolve(host: str, port: int) -> Sequence[str]:
    """As the system resolves literals in all notations, and ``NAMES`` as they are told to.

    ``files.example`` is a public address. Nobody outside is asked.
    """
    if host in NAMES:
        return NAMES[host]
    if host == "files.example":
        return [PUBLIC]
    from staging_core.download.outbound import addresses_of

    return await addresses_of(host.strip("[]"), port)


class Listener:
    """Waits on every address of this machine, and counts who comes."""

    def __init__(self) -> None:
        self.came = 0

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[int]:
        """Its port, while it waits."""

        async def came(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.came += 1
            writer.close()

        async with await asyncio.start_server(came, None, 0, family=2) as listening:
            yield listening.sockets[0].getsockname()[1]
