"""The mark of machine-made pictures goes in and comes out, and the pixels stay as they are."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from staging_core.errors import BadPicture, PictureUnsupported
from staging_core.imaging.provenance import mark, read_mark
from staging_core.testing.hostile import encoded

TYPES = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
TERMS = st.sampled_from(["compositeSynthetic", "compositeWithTrainedAlgorithmicMedia"])
OPTIONS = {
    "PNG": [{}, {"optimize": True}],
    "JPEG": [{}, {"progressive": True}, {"comment": b"hello"}, {"exif": b"Exif\0\0MM\0*"}],
    "WEBP": [{}, {"lossless": True}, {"exif": b"Exif\0\0MM\0*"}],
}


@st.composite
def pictures(draw: st.DrawFn) -> tuple[str, bytes]:
    """A content type and a picture of it; RGB or with transparency, with metadata or without."""
    content_type = draw(st.sampled_from(sorted(TYPES)))
    kind = TYPES[content_type]
    mode = draw(st.sampled_from(["RGB", "L", "RGBA"] if kind != "JPEG" else ["RGB", "L"]))
    size = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    pixels = draw(st.binary(min_size=324, max_size=324))
    image = Image.frombytes(
        mode, size, pixels[: size[0] * size[1] * len(mode if mode != "L" else "L")]
    )
    buffer = BytesIO()
    image.save(buffer, kind, **draw(st.sampled_from(OPTIONS[kind])))
    return content_type, buffer.getvalue()


@given(pictures(), TERMS, st.text(max_size=60))
def test_a_mark_is_read_back_and_no_pixel_changes(
    picture: tuple[str, bytes], term: str, statement: str
) -> None:
    content_type, data = picture
    marked = mark(data, content_type, term, statement=statement)
    assert read_mark(data) is None
    assert read_mark(marked) == term
    before, after = Image.open(BytesIO(data)), Image.open(BytesIO(marked))
    assert after.format == TYPES[content_type]
    assert after.mode == before.mode
    assert after.tobytes() == before.tobytes()


@given(pictures(), TERMS, TERMS)
def test_a_second_mark_replaces_the_first(
    picture: tuple[str, bytes], first: str, second: str
) -> None:
    content_type, data = picture
    twice = mark(mark(data, content_type, first), content_type, second)
    assert twice == mark(data, content_type, second)


@given(pictures())
def test_other_software_reads_the_mark_as_xmp(picture: tuple[str, bytes]) -> None:
    content_type, data = picture
    image = Image.open(BytesIO(mark(data, content_type, "compositeSynthetic", statement="A & <B>")))
    description = image.getxmp()["xmpmeta"]["RDF"]["Description"]
    assert description["DigitalSourceType"] == (
        "http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic"
    )
    assert description["description"]["Alt"]["li"]["text"] == "A & <B>"


@pytest.mark.parametrize(
    "form",
    [
        "<Iptc4xmpExt:DigitalSourceType>{}</Iptc4xmpExt:DigitalSourceType>",
        '<a Iptc4xmpExt:DigitalSourceType="{}"/>',
        "<a Iptc4xmpExt:DigitalSourceType='{}'/>",
        '<Iptc4xmpExt:DigitalSourceType rdf:resource="{}"/>',
    ],
)
def test_marks_of_other_software_are_read(form: str) -> None:
    uri = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    buffer = BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", xmp=form.format(uri).encode())
    assert read_mark(buffer.getvalue()) == "trainedAlgorithmicMedia"


@pytest.mark.parametrize(
    "data", [b"", b"text", encoded("GIF"), encoded("PNG")[:60], encoded("TIFF")]
)
def test_what_has_no_mark_has_none(data: bytes) -> None:
    assert read_mark(data) is None


def test_a_wrong_type_is_not_written() -> None:
    with pytest.raises(PictureUnsupported, match="image/tiff"):
        mark(encoded("TIFF"), "image/tiff", "compositeSynthetic")
    with pytest.raises(BadPicture, match="not of the type"):
        mark(encoded("PNG"), "image/jpeg", "compositeSynthetic")
    with pytest.raises(ValueError, match="IPTC"):
        mark(encoded("PNG"), "image/png", '"/><script>')
