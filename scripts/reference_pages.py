"""Write the tables of docs/reference/ from the option and settings models.

python scripts/reference_pages.py           # rewrites what stands between the marks of each page
python scripts/reference_pages.py --check   # only checks that the tables are current
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from flows.options.export import ExportOptions
from flows.options.settings import Settings
from flows.options.train import TrainOptions
from flows.options.upscale import UpscaleOptions

ROOT = Path(__file__).parent.parent
PAGES = ROOT / "docs" / "reference"
MODELS: dict[str, tuple[type[BaseModel], str]] = {
    "upscale": (UpscaleOptions, "--{}"),
    "export": (ExportOptions, "--{}"),
    "train": (TrainOptions, "--{}"),
    "settings": (Settings, "SRCNN_{}"),
}


def option_name(field: str, form: str) -> str:
    """The option or variable that sets a field."""
    return form.format(field.replace("_", "-") if form.startswith("--") else field.upper())


def choices(annotation: Any) -> str:
    """The words that a field accepts, if it is a Literal."""
    for part in (annotation, *get_args(annotation)):
        if get_origin(part) is Literal:
            return " ".join(f"`{word}`" for word in get_args(part))
    return ""


def default_text(field: FieldInfo) -> str:
    """The default as the table shows it."""
    if field.is_required():
        return "required"
    if field.default_factory is not None or any(field.default is empty for empty in (None, False)):
        return ""
    return f"`{field.default}`"


def table(model: type[BaseModel], form: str) -> str:
    """A Markdown table with one row for each field."""
    rows = ["| name | default | description |", "| --- | --- | --- |"]
    for field, info in model.model_fields.items():
        words = choices(info.annotation)
        text = f"{info.description}{f' One of {words}.' if words else ''}"
        shown = text.replace("<", "&lt;")  # Markdown would read <src> as a tag
        rows.append(f"| `{option_name(field, form)}` | {default_text(info)} | {shown} |")
    return "\n".join(rows)


def update(text: str, name: str) -> str:
    """A page's text with its table rewritten between the marks.

    Raises:
        SystemExit: the page does not have the marks exactly once.
    """
    model, form = MODELS[name]
    marked = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
    body = table(model, form).replace("\\", r"\\")
    text, count = re.subn(marked, rf"\g<1>{body}\n\g<2>", text, flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"{name}.md: expected the marks <!-- {name} --> and <!-- /{name} --> once")
    return text


def main(words: list[str]) -> int:
    """Rewrite the pages, or check them."""
    outdated = []
    for name in MODELS:
        page = PAGES / f"{name}.md"
        text = page.read_text()
        current = update(text, name)
        if current != text:
            outdated.append(page.relative_to(ROOT))
            if "--check" not in words:
                page.write_text(current)
    for path in outdated:
        print(path)
    return 1 if outdated and "--check" in words else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
