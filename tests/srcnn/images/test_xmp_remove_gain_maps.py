"""XMP of outputs promises nothing that was in the source's file alone."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from srcnn.images.decoding import decode
from srcnn.images.xmp_remove_gain_maps import remove_promises
from tests.support.image_files import save
from tests.support.images import to_file

NAMESPACES = " ".join(
    f'xmlns:{prefix}="urn:{prefix}"'
    for prefix in (
        *("x", "rdf", "dc", "hdrgm", "xmpNote", "GCamera", "Camera", "Container", "Item", "GDepth"),
    )
)


def packet(attributes: str = "", elements: str = "") -> bytes:
    return (
        f'<x:xmpmeta {NAMESPACES}><rdf:RDF><rdf:Description dc:source="kept" {attributes} '
        f'dc:format="too">{elements}<dc:title>A title</dc:title></rdf:Description></rdf:RDF>'
        "</x:xmpmeta>"
    ).encode()


DIRECTORY = """<Container:Directory><rdf:Seq>
<rdf:li><Container:Item Item:Semantic="Primary" Item:Mime="image/jpeg"/></rdf:li>
<rdf:li><Container:Item Item:Semantic="GainMap" Item:Length="512"/></rdf:li>
</rdf:Seq></Container:Directory>"""
PROMISES = {
    "gain map": ('hdrgm:Version="1.0"', DIRECTORY),
    "gain map of Adobe": ("", "<hdrgm:GainMapMax><rdf:Seq/></hdrgm:GainMapMax><hdrgm:Version/>"),
    "motion photo": ("GCamera:MotionPhoto='1' GCamera:MotionPhotoVersion=\"1\"", DIRECTORY),
    "motion photo, new name": ('Camera:MotionPhoto="1"', ""),
    "micro video": ('GCamera:MicroVideo="1"\n GCamera:MicroVideoOffset = "2772"', ""),
    "extended": ('xmpNote:HasExtendedXMP="0123" GDepth:Format="RangeInverse"', ""),
    "extended, element": ("", "<xmpNote:HasExtendedXMP>0123</xmpNote:HasExtendedXMP>"),
}


@pytest.mark.parametrize("kind", PROMISES)
@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp", ".tiff", ".avif"])
def test_a_promise_is_removed_and_noted_and_the_rest_stays(kind: str, extension: str) -> None:
    picture = decode(save("JPEG", xmp=packet(*PROMISES[kind])))
    assert [note for note in picture.notes if "XMP no longer mentions it" in note]
    with Image.open(io.BytesIO(to_file(picture, extension, None, keep_metadata=True))) as image:
        image.load()
        found = image.info.get("xmp") or image.info["XML:com.adobe.xmp"].encode()
    for name in (b"hdrgm:V", b"hdrgm:G", b"Motion", b"Micro", b"Note:H", b"GainMap", b"Depth:F"):
        assert name not in found
    tree = ET.fromstring(found)  # noqa: S314 - made above
    (description,) = tree.iter("{urn:rdf}Description")
    assert description.attrib == {"{urn:dc}source": "kept", "{urn:dc}format": "too"}
    assert [child.text for child in description] == ["A title"]


@pytest.mark.parametrize(
    "kept",
    [packet(), packet('GDepth:Format="RangeInverse"'), packet("", "<dc:x>hdrgm:Version</dc:x>")],
)
def test_a_packet_without_promises_stays_as_it_is(kept: bytes) -> None:
    picture = decode(save("JPEG", xmp=kept))
    assert picture.notes == ()
    assert remove_promises(kept) is kept


def test_an_element_without_an_end_stays() -> None:
    damaged = b"<x><hdrgm:Version>1<hdrgm:Version>2"
    assert remove_promises(damaged) is damaged


def test_a_packet_of_many_openings_is_searched_a_bounded_number_of_times() -> None:
    """Each of them searched for its end would take hours."""
    many = b"".join(b"<hdrgm:a%d>" % number for number in range(500_000))
    assert remove_promises(many) is many


@given(st.text(alphabet="<>/ =\"'\nhdrgm:Version", max_size=300))
def test_any_text_raises_no_error_and_never_grows(text: str) -> None:
    assert len(remove_promises(text.encode())) <= len(text.encode())
