"""Copies the photographs of the demo into a folder, with a scales file.

    python scripts/demo.py demo/photos

The photographs ship with scikit-image; the script prints their credits.
"""

from __future__ import annotations

import shutil
import sys
from importlib import resources
from pathlib import Path

SCALES = {
    "people/astronaut.png": "2",
    "camera.png": "1.5",
    "animals/*.png": "3",
    "coffee.png": "2x3",
    "sky/hubble_deep_field.jpg": "1.3",
    "sky/rocket.jpg": "longest=1920",
}
CREDITS = """Photographs, from scikit-image: astronaut (Eileen Collins; NASA, public domain),
camera (Lav Varshney, CC0), chelsea (Stéfan van der Walt, CC0), coffee (Rachel Michetti, CC0),
hubble_deep_field (NASA and ESA, public domain), rocket (SpaceX, public domain)."""
PHOTOGRAPHS = [path if "*" not in path else "animals/chelsea.png" for path in SCALES]


def main(folder: Path) -> int:
    """Copy the photographs into the folder and write its scales.csv."""
    data = resources.files("skimage").joinpath("data")
    for name in PHOTOGRAPHS:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with resources.as_file(data.joinpath(target.name)) as source:
            shutil.copy2(source, target)
    rows = [f"{path},{scale}" for path, scale in SCALES.items()]
    (folder / "scales.csv").write_text("\n".join(["path,scale", *rows, ""]))
    print(CREDITS)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
