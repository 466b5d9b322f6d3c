"""The mark that tells machines how a picture came about (IPTC DigitalSourceType in XMP)."""

from __future__ import annotations


def mark(
    data: bytes, content_type: str, digital_source_type: str, *, statement: str = ""
) -> bytes:
    """The same picture with the mark."""
    raise NotImplementedError


def read_mark(data: bytes) -> str | None:
    """The digital source type that the picture is marked with."""
    raise NotImplementedError
