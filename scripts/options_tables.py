"""Write the tables of options and settings into the README, from the models themselves.

python scripts/options_tables.py README.md           # rewrites what stands between the marks
python scripts/options_tables.py README.md --check   # only says whether it is up to date
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

MODELS: dict[str, tuple[type[BaseModel], str]] = {
    "upscale": (UpscaleOptions, "--{}"),
    "export": (ExportOptions, "--{}"),
    "train": (TrainOptions, "--{}"),
    "settings": (Settings, "SRCNN_{}"),
}


def name_of(field: str, form: str) -> str:
    """The option or variable of a field."""
    return form.format(field.replace("_", "-") if form.startswith("--") else field.upper())


def choices(annotation: Any) -> str:
    """What a field takes: the words of a Literal, or nothing."""
    for part in (annotation, *get_args(annotation)):
        if get_origin(part) is Literal:
            return " ".join(f"`{word}`" for word in get_args(part))
    return ""


def default_of(field: FieldInfo) -> str:
    """The default as the README shows it."""
    if field.is_required():
        return "required"
    if field.default_factory is not None or any(field.default is empty for empty in (None, False)):
        return ""
    return f"`{field.default}`"


def table(model: type[BaseModel], form: str) -> str:
    """A Markdown table, a row for each field."""
    rows = ["| name | default | what |", "| --- | --- | --- |"]
    for field, info in model.model_fields.items():
        words = choices(info.annotation)
        what = f"{info.description}{f' One of {words}.' if words else ''}"
        shown = what.replace("<", "&lt;")  # or Markdown takes <src> for a tag
        rows.append(f"| `{name_of(field, form)}` | {default_of(info)} | {shown} |")
    return "\n".join(rows)


def updated(text: str) -> str:
    """The text with every table made anew between its marks."""
    for name, (model, form) in MODELS.items():
        marked = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
        body = table(model, form).replace("\\", r"\\")
        text, count = re.subn(marked, rf"\g<1>{body}\n\g<2>", text, flags=re.DOTALL)
        if count != 1:
            raise SystemExit(f"expected the marks <!-- {name} --> and <!-- /{name} --> once")
    return text


def main(words: list[str]) -> int:
    """Rewrite, or check."""
    path = Path(words[0])
    text = path.read_text()
    if "--check" in words:
        return 0 if updated(text) == text else 1
    path.write_text(updated(text))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
