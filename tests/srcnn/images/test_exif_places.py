"""Places in EXIF: edited in place, dropped where EXIF cannot say them, and never a failure."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from srcnn.geometry import Size
from srcnn.images import exif
from srcnn.images.exif_places import move_places
from srcnn.images.turn_and_scale import Change

AREA, LOCATION, FOCAL_X, FOCAL_Y = 0x9214, 0xA214, 0xA20E, 0xA20F
X, Y = 0x011A, 0x011B
LARGER = Change(1, Size(300, 400), Size(900, 1200))
HUGE = Change(1, Size(300, 400), Size(300_000, 400_000))
TURNED = Change(6, Size(300, 400), Size(400, 300))  # by 90 degrees, clockwise


def block(order: str = "<", kind: int = 3, area: tuple[int, ...] = (40, 30, 20, 10)) -> bytes:
    """Build EXIF of two directories, with a resolution and all that is placed."""
    first, second = 8, 8 + 2 + 12 * 3 + 4
    data = second + 2 + 12 * 5 + 4
    numbers = struct.pack(f"{order}{len(area)}{'H' if kind == 3 else 'I'}", *area)
    rationals = struct.pack(f"{order}8I", 72, 1, 300, 1, 4000, 3, 1000, 1)

    def entry(tag: int, form: int, count: int, value: int) -> bytes:
        return struct.pack(f"{order}HHII", tag, form, count, value)

    inline = len(numbers) <= 4
    place = struct.unpack(f"{order}I", numbers.ljust(4, b"\0"))[0] if inline else data
    location = struct.unpack(f"{order}I", struct.pack(f"{order}2H", 40, 30))[0]
    at = data + len(numbers)
    return b"".join(
        [
            (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, first),
            struct.pack(f"{order}H", 3),
            entry(X, 5, 1, at),
            entry(Y, 5, 1, at + 8),
            entry(0x8769, 4, 1, second),
            struct.pack(f"{order}I", 0),
            struct.pack(f"{order}H", 5),
            entry(AREA, kind, len(area), place),
            entry(FOCAL_X, 5, 1, at + 16),
            entry(FOCAL_Y, 5, 1, at + 24),
            entry(LOCATION, 3, 2, location),
            entry(0xA300, 7, 1, 3),
            struct.pack(f"{order}I", 0),
            numbers,
            rationals,
        ]
    )


def read(data: bytes) -> tuple[Image.Exif, dict[int, object]]:
    found = Image.Exif()
    found.load(data)
    return found, found.get_ifd(0x8769)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [3, 4])
@pytest.mark.parametrize(
    ("area", "turned", "larger"),
    [
        ((40, 30), (269, 40), (121, 91)),
        ((40, 30, 20), (269, 40, 20), (121, 91, 60)),
        ((40, 30, 20, 10), (269, 40, 10, 20), (121, 91, 60, 30)),
    ],
)
def test_subjects_are_turned_and_scaled(
    order: str, kind: int, area: tuple[int, ...], turned: tuple[int, ...], larger: tuple[int, ...]
) -> None:
    before = block(order, kind, area)
    for change, expected in ((TURNED, turned), (LARGER, larger)):
        after, notes = move_places(before, change)
        assert (len(after), notes) == (len(before), ())
        _, below = read(after)
        assert (below[AREA], below[LOCATION]) == (expected, expected[:2])


def test_resolutions_are_swapped_by_a_turn_and_that_of_the_focal_plane_is_scaled() -> None:
    turned, below = read(move_places(block(), TURNED)[0])
    assert (turned[X], turned[Y], below[FOCAL_X]) == (300, 72, 1000)
    assert below[FOCAL_Y] == pytest.approx(4000 / 3)
    larger, below = read(move_places(block(), LARGER)[0])
    assert (larger[X], larger[Y], below[FOCAL_X], below[FOCAL_Y]) == (72, 300, 4000, 3000)


def test_a_place_beyond_what_exif_can_say_is_dropped_with_a_note() -> None:
    after, notes = move_places(block(area=(399, 30, 20, 10)), HUGE)
    assert notes == (
        "the subject's place in EXIF was dropped: EXIF cannot say one so far to the right or down",
    )
    found, below = read(after)
    assert set(below) == {FOCAL_X, FOCAL_Y, LOCATION, 0xA300}
    assert found[X] == 72
    assert exif.adapt_to_result(after, HUGE.after) == after


def test_values_in_the_header_or_beyond_the_end_stay() -> None:
    for place in (0, 4, 10_000, 2**32 - 1):
        damaged = bytearray(block())
        for tag, kind, count in ((AREA, 3, 4), (FOCAL_X, 5, 1)):
            at = damaged.index(struct.pack("<HHI", tag, kind, count)) + 8
            damaged[at : at + 4] = struct.pack("<I", place)
        after, _ = move_places(bytes(damaged), LARGER)
        assert after[:8] == damaged[:8]
        assert len(after) == len(damaged)


@settings(max_examples=400)
@given(
    st.sampled_from(["<", ">"]),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6),
    st.integers(0, 400),
    st.sampled_from([LARGER, TURNED, HUGE]),
)
def test_damage_raises_no_error_and_keeps_the_length(
    order: str, changes: list[tuple[int, int]], end: int, change: Change
) -> None:
    damaged = bytearray(block(order))
    for at, value in changes:
        damaged[at % len(damaged)] = value
    data = bytes(damaged[: end or None])
    assert len(move_places(data, change)[0]) == len(data)
