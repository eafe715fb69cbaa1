"""Where the project and the reference data are."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT.parent / "shared" / "data"
CASES = ROOT.parent / "shared" / "cases" / "images"
