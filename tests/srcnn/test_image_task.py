"""Tasks and results of images."""

from srcnn.errors import DamagedImageError
from srcnn.image_task import Failure


def test_a_failure_is_one_visible_line_whatever_the_file_holds() -> None:
    failure = Failure.from_error(DamagedImageError("wrong checksum in \x1b[2J\n\udcff"))
    assert failure == Failure("DamagedImage", r"wrong checksum in \x1b[2J\n\udcff")


def test_an_error_without_text_gives_its_name() -> None:
    assert Failure.from_error(MemoryError()) == Failure("MemoryError", "MemoryError")
