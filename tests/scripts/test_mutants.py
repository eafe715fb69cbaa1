"""The changes that `make mutants` makes."""

from pathlib import Path

import pytest

from scripts import mutants
from tests.support.paths import ROOT

SOURCE = '''def clip(value, top):
    """Limit."""
    if value < top and not top == 0:
        check(value)
        return value + 1
    raise ValueError("é")
'''


def test_each_change_is_one_and_can_be_compiled() -> None:
    changed = [mutant.source for mutant in mutants.find_mutants("clip.py", SOURCE)]
    for source in changed:
        compile(source, "clip.py", "exec")
        assert source != SOURCE
    for expected in (
        "if value <= top and not top == 0:",
        "if value < top or not top == 0:",
        "if value < top and top == 0:",
        "if value < top and not top != 0:",
        "if value < top and not top == 1:",
        "if not (value < top and not top == 0):",
        "        pass\n        return value + 1",
        "return value - 1",
        "return value + 2",
        "return None",
    ):
        assert [expected in source for source in changed].count(True) == 1, expected
    assert [source.endswith("    pass\n") for source in changed].count(True) == 1


@pytest.mark.parametrize(
    ("module", "tests"),
    [
        ("srcnn/geometry.py", "tests/srcnn/test_geometry.py"),
        ("srcnn/images/decoding/png.py", "tests/srcnn/images"),
        ("srcnn/destination/lock/owner.py", "tests/srcnn/destination"),
    ],
)
def test_the_tests_of_a_module_are_those_that_mirror_it(module: str, tests: str) -> None:
    assert mutants.find_tests(module, ROOT) == tests


def test_a_change_is_noticed_or_not(tmp_path: Path) -> None:
    (tmp_path / "srcnn").mkdir()
    (tmp_path / "tests" / "srcnn").mkdir(parents=True)
    module = tmp_path / "srcnn" / "one.py"
    module.write_text("ONE = 1\nTWO = 2\n")
    (tmp_path / "tests" / "srcnn" / "test_one.py").write_text(
        "import runpy\n\ndef test_one():\n    assert runpy.run_path('srcnn/one.py')['ONE'] == 1\n"
    )
    noticed = {
        mutant.source: mutants.is_noticed(mutant, tmp_path)
        for mutant in mutants.find_mutants("srcnn/one.py", module.read_text())
    }
    assert noticed == {"ONE = 2\nTWO = 2\n": True, "ONE = 1\nTWO = 3\n": False}
    assert module.read_text() == "ONE = 1\nTWO = 2\n"
