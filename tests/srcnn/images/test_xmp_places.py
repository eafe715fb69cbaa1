"""Places in XMP: in all forms of a packet, and dropped where they cannot be kept."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srcnn.geometry import Size
from srcnn.images.turn_and_scale import Change
from srcnn.images.xmp_places import move_places

NAMESPACES = {
    "x": "adobe:ns:meta/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    "area": "http://ns.adobe.com/xmp/sType/Area#",
    "dim": "http://ns.adobe.com/xap/1.0/sType/Dimensions#",
    "fi": "http://ns.apple.com/faceinfo/1.0/",
    "MP": "http://ns.microsoft.com/photo/1.2/",
    "MPRI": "http://ns.microsoft.com/photo/1.2/t/RegionInfo#",
    "MPReg": "http://ns.microsoft.com/photo/1.2/t/Region#",
    "i": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "GPano": "http://ns.google.com/photos/1.0/panorama/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "crs": "http://ns.adobe.com/camera-raw-settings/1.0/",
    "tpg": "http://ns.adobe.com/xap/1.0/t/pg/",
    "dc": "http://purl.org/dc/elements/1.1/",
}
DECLARED = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
LARGER = Change(1, Size(300, 400), Size(900, 1200))
TURNED = Change(6, Size(300, 400), Size(400, 300))  # by 90 degrees, clockwise


def packet(content: str = "", attributes: str = "") -> bytes:
    return (
        f"<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta {DECLARED}><rdf:RDF>"
        f'<rdf:Description rdf:about="" dc:source="kept &amp; &lt;" {attributes}>{content}'
        "<dc:title>Größe</dc:title></rdf:Description></rdf:RDF></x:xmpmeta>"
        "    <?xpacket end='w'?>"
    ).encode()


def move(xmp: bytes, change: Change) -> tuple[dict[str, list[str]], tuple[str, ...]]:
    """Return the values of all fields, by their names with our prefixes."""
    moved, notes = move_places(xmp, change)
    found: dict[str, list[str]] = {}
    for element in ET.fromstring(moved).iter():  # noqa: S314 - made above
        named = [(element.tag, (element.text or "").strip()), *element.attrib.items()]
        for name, value in named:
            for prefix, uri in NAMESPACES.items():
                if name.startswith(f"{{{uri}}}") and value:
                    found.setdefault(f"{prefix}:{name.partition('}')[2]}", []).append(value)
    assert found["dc:source"] == ["kept & <"]
    assert found["dc:title"] == ["Größe"]
    return found, notes


ATTRIBUTES = """<rs:Regions rdf:parseType="Resource">
<rs:AppliedToDimensions dim:w="4000" dim:h='3000' dim:unit="pixel"/><rs:RegionList><rdf:Bag><rdf:li>
<rdf:Description rs:Name="A &gt; B" rs:Type="Face"><rs:Area area:x="0.25" area:y="0.5"
 area:w="0.1" area:h="0.2" area:unit="normalized"/></rdf:Description></rdf:li></rdf:Bag>
</rs:RegionList></rs:Regions>"""
ELEMENTS = """<rs:Regions><rdf:Description><rs:AppliedToDimensions rdf:parseType="Resource">
<dim:w>4000</dim:w><dim:h> 3000 </dim:h><dim:unit>pixel</dim:unit></rs:AppliedToDimensions>
<rs:RegionList><rdf:Bag><rdf:li rdf:parseType="Resource"><rs:Name>A &gt; B</rs:Name>
<rs:Type>Face</rs:Type><rs:Area><rdf:Description><area:x>0.25</area:x><area:y>0.5</area:y>
<area:w>0.1</area:w><area:h>0.2</area:h><area:unit>normalized</area:unit></rdf:Description></rs:Area>
</rdf:li></rdf:Bag></rs:RegionList></rdf:Description></rs:Regions>"""


@pytest.mark.parametrize("content", [ATTRIBUTES, ELEMENTS])
def test_regions_are_turned_in_both_forms_of_a_packet(content: str) -> None:
    found, notes = move(packet(content), TURNED)
    assert notes == ()
    values = {name: each for name, each in found.items() if name.startswith(("area", "dim"))}
    assert {name: each for name, (each,) in values.items()} == {
        "area:x": "0.5",
        "area:y": "0.25",
        "area:w": "0.2",
        "area:h": "0.1",
        "area:unit": "normalized",
        "dim:w": "300",
        "dim:h": "400",
        "dim:unit": "pixel",
    }
    assert found["rs:Name"] == ["A > B"]


@pytest.mark.parametrize("content", [ATTRIBUTES, ELEMENTS])
def test_a_larger_picture_changes_the_size_that_regions_are_made_for_alone(content: str) -> None:
    before = packet(content)
    moved, notes = move_places(before, LARGER)
    assert notes == ()
    start = before.index(b"dim:w") + len("dim:w='")
    assert moved[: start - 2] == before[: start - 2]
    assert moved.replace(b"1200", b"4000").replace(b"900", b"3000").replace(
        b'"', b"'"
    ) == before.replace(b" 3000 ", b"3000").replace(b'"', b"'")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_circles_and_points_keep_what_they_have(orientation: int) -> None:
    circle = '<rs:Area area:x="0.25" area:y="0.5" area:d="0.1" area:unit="normalized"/>'
    found, notes = move(packet(circle), Change(orientation, Size(30, 40), Size(30, 40)))
    assert (found["area:d"], notes) == (["0.1"], ())
    assert {found["area:x"][0], found["area:y"][0]} <= {"0.25", "0.5", "0.75"}


AREA = '<rs:Regions><rs:Area area:x="{}" area:y="0.5"/></rs:Regions>'
RECTANGLE = """<MP:RegionInfo><MPRI:Regions><rdf:Description MPReg:Rectangle="0.1, {}, 0.1, 0.1"/>
</MPRI:Regions></MP:RegionInfo>"""
BOUNDARY = """<i:ImageRegion><i:RegionBoundary i:rbUnit="relative" i:rbX="{}" i:rbY="0"/>
</i:ImageRegion>"""


@pytest.mark.parametrize("number", ["nan", "inf", "1e300", "", "1/2", "0x10", "9" * 400])
@pytest.mark.parametrize(
    ("form", "name"),
    [
        (AREA, "mwg-rs:Regions"),
        (RECTANGLE, "MP:RegionInfo"),
        (BOUNDARY, "Iptc4xmpExt:ImageRegion"),
    ],
)
def test_regions_that_cannot_be_read_are_dropped_with_a_note(
    form: str, name: str, number: str
) -> None:
    found, notes = move(packet(form.format(number)), TURNED)
    assert notes == (
        f"{name} in XMP was dropped: it cannot be read, or was made for a picture of another shape",
    )
    assert not [each for each in found if each.startswith(("rs:", "area:", "MP", "i:"))]


def test_regions_of_a_picture_of_another_shape_are_dropped_if_it_is_turned() -> None:
    """Of a part of it, or of the upright one: their places are not known."""
    other = ATTRIBUTES.replace("4000", "3000").replace("'3000'", "'4000'")
    assert "area:x" not in move(packet(other), TURNED)[0]
    found, notes = move(packet(other), LARGER)
    assert (found["dim:w"], found["dim:h"], notes) == (["3000"], ["4000"], ())


def test_regions_of_another_unit_are_dropped() -> None:
    pixels = ATTRIBUTES.replace("normalized", "pixel")
    assert "area:x" not in move(packet(pixels), TURNED)[0]
    for unit in ("inch", ""):
        region = f'<i:ImageRegion i:rbUnit="{unit}" i:rbX="1" i:rbY="1"/>'
        assert "i:rbX" not in move(packet(region), LARGER)[0]


def test_sizes_of_other_things_stay() -> None:
    frame = '<dm:videoFrameSize xmlns:dm="urn:dm" dim:w="400" dim:h="300" dim:unit="pixel"/>'
    assert move(packet(frame), LARGER)[0]["dim:w"] == ["1200"]
    page = '<tpg:MaxPageSize dim:w="400" dim:h="300" dim:unit="Pixels"/>'
    found, _ = move(packet(page), LARGER)
    assert (found["dim:w"], found["dim:h"]) == (["400"], ["300"])


def test_the_angles_of_faces_are_dropped_if_the_picture_is_turned() -> None:
    angles = '<rs:Area rs:Rotation="0.1" fi:AngleInfoRoll="270" fi:FaceID="5"/>'
    found, notes = move(packet(angles), TURNED)
    assert notes == ("angles of faces in XMP were dropped: the picture was turned",)
    assert found["fi:FaceID"] == ["5"]
    assert not {"rs:Rotation", "fi:AngleInfoRoll"} & set(found)
    assert move(packet(angles), LARGER)[0]["fi:AngleInfoRoll"] == ["270"]


@pytest.mark.parametrize(
    ("unit", "radius", "turned", "larger"),
    [("relative", "0.1", "0.13333333", "0.1"), ("pixel", "40", "40", "120")],
)
def test_the_radius_of_a_circle_is_a_part_of_the_width(
    unit: str, radius: str, turned: str, larger: str
) -> None:
    circle = f'<i:RegionBoundary i:rbUnit="{unit}" i:rbX="0" i:rbY="0" i:rbRx="{radius}"/>'
    region = f"<i:ImageRegion><rdf:Bag><rdf:li>{circle}</rdf:li></rdf:Bag></i:ImageRegion>"
    assert move(packet(region), TURNED)[0]["i:rbRx"] == [turned]
    assert move(packet(region), LARGER)[0]["i:rbRx"] == [larger]


PANORAMA = (
    'GPano:FullPanoWidthPixels="800" GPano:FullPanoHeightPixels="400" '
    'GPano:CroppedAreaImageWidthPixels="400" GPano:CroppedAreaImageHeightPixels="300" '
    'GPano:CroppedAreaLeftPixels="200" GPano:CroppedAreaTopPixels="-50" '
    'GPano:PoseHeadingDegrees="350.5" GPano:ProjectionType="equirectangular"'
)


def test_a_panorama_is_scaled_and_keeps_its_angles() -> None:
    found, notes = move(packet(attributes=PANORAMA), LARGER)
    assert notes == ()
    assert found["GPano:FullPanoWidthPixels"] == ["2400"]
    assert found["GPano:FullPanoHeightPixels"] == ["1200"]
    assert found["GPano:CroppedAreaImageWidthPixels"] == ["1200"]
    assert found["GPano:CroppedAreaImageHeightPixels"] == ["900"]
    assert found["GPano:CroppedAreaLeftPixels"] == ["600"]
    assert found["GPano:CroppedAreaTopPixels"] == ["-150"]
    assert found["GPano:PoseHeadingDegrees"] == ["350.5"]


@pytest.mark.parametrize(
    ("attributes", "change"), [(PANORAMA, TURNED), (PANORAMA.replace("800", "nan"), LARGER)]
)
def test_a_panorama_that_is_turned_or_cannot_be_read_is_dropped(
    attributes: str, change: Change
) -> None:
    found, notes = move(packet(attributes=attributes), change)
    assert notes == ("GPano in XMP was dropped: it cannot be read, or the picture was turned",)
    assert not [name for name in found if name.startswith("GPano")]


def test_resolutions_are_swapped_and_the_focal_plane_is_scaled() -> None:
    attributes = (
        'tiff:XResolution="72/1" tiff:YResolution="300/1" exif:FocalPlaneXResolution="3515/10" '
    )
    content = "<exif:FocalPlaneYResolution>100</exif:FocalPlaneYResolution>"
    turned, _ = move(packet(content, attributes), TURNED)
    assert (turned["tiff:XResolution"], turned["tiff:YResolution"]) == (["300/1"], ["72/1"])
    assert turned["exif:FocalPlaneXResolution"] == ["100"]
    assert turned["exif:FocalPlaneYResolution"] == ["3515/10"]
    larger, _ = move(packet(content, attributes), LARGER)
    assert larger["tiff:XResolution"] == ["72/1"]
    assert larger["exif:FocalPlaneXResolution"] == ["2109/2"]
    assert larger["exif:FocalPlaneYResolution"] == ["300/1"]


def test_a_subject_that_cannot_be_read_is_dropped() -> None:
    for numbers in ("<rdf:li>5</rdf:li>", "<rdf:li>5</rdf:li><rdf:li>nan</rdf:li>"):
        subject = f"<exif:SubjectArea><rdf:Seq>{numbers}</rdf:Seq></exif:SubjectArea>"
        found, notes = move(packet(subject), LARGER)
        assert notes == ("the subject's place in XMP was dropped: it cannot be read",)
        assert "rdf:li" not in found


CROP = 'crs:HasCrop="True" crs:CropTop="0.1" crs:CropWidth="50" crs:Exposure="1" '


def test_a_crop_that_is_yet_to_be_applied_is_dropped_if_the_picture_is_turned() -> None:
    masks = "<crs:MaskGroupBasedCorrections><rdf:Seq/></crs:MaskGroupBasedCorrections>"
    found, notes = move(packet(masks, CROP), TURNED)
    assert len(notes) == 1
    assert {name for name in found if name.startswith("crs")} == {"crs:Exposure"}
    found, _ = move(packet("", CROP), LARGER)
    assert (found["crs:CropTop"], "crs:CropWidth" in found) == (["0.1"], False)
    applied = CROP + 'crs:AlreadyApplied="True"'
    assert move(packet("", applied), TURNED)[0]["crs:CropTop"] == ["0.1"]
    none = 'crs:HasCrop="False" crs:CropTop="0"'
    assert move(packet("", none), TURNED)[1] == ()


BOMB = f"""<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "{"&a;" * 50}">]>"""
HOSTILE = {
    "entities": BOMB.encode() + b"<a b='&b;'>FocalPlane</a>",
    "a document type": b"<!DOCTYPE x SYSTEM 'file:///etc/passwd'><a>FocalPlane</a>",
    "deep": b"<a>" * 500_000 + b"FocalPlane" + b"</a>" * 500_000,
    "many": b"<a>FocalPlane" + b"<b/>" * 400_000 + b"</a>",
    "large": b"<a>FocalPlane" + b"\n" * 20_000_000 + b"</a>",
    "open": packet(ATTRIBUTES)[:-80],
    "another encoding": packet(ATTRIBUTES).decode().encode("latin-1", "replace"),
    "no packet": b"FocalPlane",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_packet_that_cannot_be_parsed_safely_is_dropped(kind: str) -> None:
    assert move_places(HOSTILE[kind], LARGER) == (
        b"",
        ("XMP was dropped: it says places in the picture, and cannot be parsed",),
    )


def test_many_lines_of_text_take_no_time() -> None:
    lines = b"<a>FocalPlane" + b"\n" * 1_900_000 + b"</a>"
    assert move_places(lines, LARGER) == (lines, ())


@pytest.mark.parametrize("xmp", [packet(), b"<a", b"", b"<a>" * 1000])
def test_a_packet_without_places_is_not_parsed(xmp: bytes) -> None:
    for change in (TURNED, LARGER):
        moved, notes = move_places(xmp, change)
        assert moved is xmp
        assert notes == ()


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=4),
    st.integers(1, 8),
    st.sampled_from([ATTRIBUTES, ELEMENTS]),
)
def test_damage_raises_no_error(
    changes: list[tuple[int, int]], orientation: int, content: str
) -> None:
    damaged = bytearray(packet(content, PANORAMA + CROP))
    for at, value in changes:
        damaged[at % len(damaged)] = value
    upright = Size(400, 300) if orientation > 4 else Size(300, 400)
    moved, _ = move_places(bytes(damaged), Change(orientation, Size(300, 400), upright))
    if moved:
        ET.fromstring(moved)  # noqa: S314 - made above
