"""The mark that tells machines how a picture came about.

IPTC Photo Metadata ``Iptc4xmpExt:DigitalSourceType`` in XMP (IPTC Photo Metadata Standard 2025.1,
ISO 16684-1), written beside the pixels, which stay as they are. Weak spot: whoever re-encodes the
file without keeping XMP loses the mark.
"""

from __future__ import annotations

import re
import struct
from html import escape
from types import ModuleType

from staging_core.errors import BadPicture, PictureUnsupported

from .formats import jpeg, png, webp
from .formats.kinds import JPEG, PNG, WEBP, sniff

VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"

_CONTAINERS: dict[str, ModuleType] = {"image/jpeg": jpeg, "image/png": png, "image/webp": webp}
_BY_KIND: dict[str, ModuleType] = {JPEG.name: jpeg, PNG.name: png, WEBP.name: webp}
_TERM = re.compile(r"[A-Za-z]{1,64}")
_MARK = re.compile(
    rb"DigitalSourceType\s*(?:(?:rdf:resource\s*)?=\s*[\"']|>\s*)"
    + re.escape(VOCABULARY).encode()
    + rb"([A-Za-z]+)"
)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    Iptc4xmpExt:DigitalSourceType="{source}">{description}</rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""
_DESCRIPTION = """
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">{}</rdf:li></rdf:Alt></dc:description>
  """


def mark(data: bytes, content_type: str, digital_source_type: str, *, statement: str = "") -> bytes:
    """The same picture with the mark; its pixels are not touched, other XMP is replaced.

    ``content_type``: ``image/png``, ``image/jpeg`` or ``image/webp``, else ``PictureUnsupported``.
    ``digital_source_type``: a term of the IPTC vocabulary such as ``compositeSynthetic``, else
    ``ValueError``. ``statement``: a sentence for people, kept as ``dc:description``.
    """
    if not _TERM.fullmatch(digital_source_type):
        raise ValueError(f"{digital_source_type!r} is no term of the IPTC vocabulary.")
    if content_type not in _CONTAINERS:
        raise PictureUnsupported(f"Pictures of the type {content_type!r} cannot be marked.")
    if _CONTAINERS[content_type] is not _container(data):
        raise BadPicture(f"The picture is not of the type {content_type}.")
    marked: bytes = _CONTAINERS[content_type].with_xmp(
        data, _packet(digital_source_type, statement)
    )
    return marked


def read_mark(data: bytes) -> str | None:
    """The term that the picture is marked with, or None: no mark, no such vocabulary, no picture.

    Finds the property as attribute and as element, so that other software's marks count too.
    """
    try:
        container = _container(data)
        packet = container.xmp(data) if container else None
    except (BadPicture, struct.error, IndexError):
        return None
    found = _MARK.search(packet) if packet else None
    return found.group(1).decode() if found else None


def _container(data: bytes) -> ModuleType | None:
    return _BY_KIND.get(sniff(data).name)


def _packet(digital_source_type: str, statement: str) -> bytes:
    text = escape(_NOT_XML.sub("", statement))
    return _PACKET.format(
        source=VOCABULARY + digital_source_type,
        description=_DESCRIPTION.format(text) if text else "",
    ).encode()
