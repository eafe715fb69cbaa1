"""Makes the screenshots of a run and of its pages, for docs/reference/output.md: docs/images/.

    python scripts/screenshots.py

Upscales the photographs of the demo, and one that is truncated, as a run tracked by a new server,
and opens its page in the system's Chromium. Takes about a minute.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.servers.prefect_pages import (  # noqa: E402 - found once the path is set
    PrefectPages,
    find_browser,
    open_page,
)

IMAGES = ROOT / "docs" / "images"


def upscale(folder: Path, server: PrefectPages) -> None:
    """Run the demo in a folder, so that the page shows short paths."""
    environment = os.environ | server.environment | {"PYTHONPATH": str(ROOT)}

    def run(*words: str | Path) -> None:
        command = [sys.executable, *words]
        subprocess.run(command, cwd=folder, env=environment, check=False)  # noqa: S603 - our own

    run(ROOT / "scripts" / "demo.py", "photos")
    whole = (folder / "photos" / "sky" / "rocket.jpg").read_bytes()
    (folder / "photos" / "sky" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    run(ROOT / "flows" / "upscale.py", "--src", "photos")


def main() -> int:
    """Write the screenshots; return 1 if there is no browser."""
    browser = find_browser()
    if browser is None:
        print("Chromium or Chrome not found", file=sys.stderr)
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, PrefectPages() as server:
        upscale(Path(folder), server)
        artifacts = server.artifacts()
        with open_page(browser, width=1500, height=860) as page:
            page.goto(f"{server.url}/artifacts/artifact/{artifacts['srcnn-summary']['id']}")
            page.locator("table").nth(1).wait_for()
            page.screenshot(path=IMAGES / "summary.png")
            page.set_viewport_size({"width": 1500, "height": 1040})
            page.goto(f"{server.url}/artifacts/artifact/{artifacts['srcnn-contact-sheet']['id']}")
            page.locator("img[src^='data:image/jpeg']").evaluate("image => image.decode()")
            page.screenshot(path=IMAGES / "contact-sheet.jpg", type="jpeg", quality=85)
            (file,) = Path(folder).glob("photos-upscaled/.srcnn/runs/*.html")
            page.set_viewport_size({"width": 1100, "height": 1250})
            page.goto(file.as_uri())
            page.screenshot(path=IMAGES / "run-page.jpg", type="jpeg", quality=85)
    return 0


if __name__ == "__main__":
    sys.exit(main())
