"""Templates for the names of outputs, such as `{stem}@2x{ext}`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

from srcnn.errors import UsageError
from srcnn.geometry import Box, Factor, Scale, Target
from srcnn.images.formats import detect_format
from srcnn.printable_text import shorten

NAME_HELP = (
    "a name with {folder}, {stem}, {ext}, {factor}, {width} or {height}, such as {stem}@2x{ext}"
)
# For JSON schemas too, which are validated before our code runs.
NAME_PATTERN = r"^([^{}]|\{(folder|stem|ext|factor|width|height)\})+$"
_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")
_OF_THE_SCALE = {
    "factor": "a factor, such as 2",
    "width": "width=N or box=WxH",
    "height": "height=N or box=WxH",
}
_LONGEST = 1024  # characters
_MOST_SHOWN = 60  # characters of a template in a message


@dataclass(frozen=True)
class NameTemplate:
    """A template for the names of outputs; one with a slash or `{folder}` is a whole path.

    Attributes:
        text: as the user wrote it.
    """

    text: str

    def __str__(self) -> str:
        """Return the text, which parses back to this."""
        return self.text

    @property
    def is_path(self) -> bool:
        """Whether it names folders too; if not, outputs stay in the folder of their source."""
        return "/" in self.text or "{folder}" in self.text

    def make_key(self, key: str, scale: Scale) -> str:
        """Make the key of an output.

        Args:
            key: that the output has without a template.
            scale: of the image, which `{factor}`, `{width}` and `{height}` stand for.

        Raises:
            UsageError: the scale does not say what the template asks for, or the result is not a
                name for a file of the same format.
        """
        folder, slash, name = key.rpartition("/")
        stem, ext = posixpath.splitext(name)
        values = {"stem": stem, "ext": ext, **_describe_scale(scale)}
        # The folders of a bucket may have any names: such images fail alone, when they are read.
        self._check(self._fill({"folder": "folder", **values}, scale), key)
        made = self._fill({"folder": folder, **values}, scale)
        return made if self.is_path else folder + slash + made

    def _fill(self, values: Mapping[str, str], scale: Scale) -> str:
        def find(match: re.Match[str]) -> str:
            placeholder = match[1]
            if placeholder not in values:
                raise UsageError(
                    f"name {self.text!r}: {match[0]} needs a scale that says it "
                    f"({_OF_THE_SCALE.get(placeholder)}), got {scale}: leave it out, or give such "
                    "a scale"
                )
            return values[placeholder]

        text = self.text if values["folder"] else self.text.replace("{folder}/", "")
        return _PLACEHOLDER.sub(find, text)

    def _check(self, made: str, key: str) -> None:
        if any(not part or part.startswith(".") for part in made.split("/")):
            raise UsageError(
                f"name {self.text!r}: {made!r} has a part that is empty or begins with a dot, "
                "which hides files: choose another name"
            )
        if detect_format(made) != detect_format(key):
            raise UsageError(
                f"name {self.text!r}: {made!r} does not end as a file of the format of {key!r}: "
                "end the name with {ext}, and choose the format with --format"
            )


def _describe_scale(scale: Scale) -> dict[str, str]:
    """Return what a scale says of every image, whatever its size."""
    if isinstance(scale, Factor):
        return {"factor": str(scale)}
    if isinstance(scale, Box):
        return {"width": str(scale.width), "height": str(scale.height)}
    if isinstance(scale, Target) and scale.side in _OF_THE_SCALE:
        return {scale.side: str(scale.pixels)}
    return {}


def parse_name(text: str) -> NameTemplate:
    """Parse a template as users write it.

    Raises:
        UsageError: it is empty or too long, or has other placeholders or characters than names
            may have.
    """
    is_name = re.fullmatch(NAME_PATTERN, text) and len(text) <= _LONGEST and text.isprintable()
    if not is_name or text.startswith("/") or text != text.strip():
        raise UsageError(f"name {shorten(text, _MOST_SHOWN)!r}: expected {NAME_HELP}")
    return NameTemplate(text)
