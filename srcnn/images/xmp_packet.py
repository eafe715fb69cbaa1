"""XMP packets, parsed into elements and written back: what is not edited keeps its bytes."""

from __future__ import annotations

from typing import NoReturn
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from srcnn.images.xmp_elements import Element

# A packet of a JPEG has 64 kB; strangers' packets may be made to take memory and time.
_LARGEST_BYTES, _LARGEST_ELEMENTS, _DEEPEST = 2 * 2**20, 20_000, 100


class UnreadableXmpError(ValueError):
    """A packet is not well-formed, has a document type, or is larger than any that is written."""


class _Builder:
    def __init__(self, xmp: bytes) -> None:
        self.elements: list[Element] = []
        self._xmp, self._open, self._texts = xmp, list[Element](), list[list[str]]()
        self._begun: Element | None = None  # its tag's end is where the next part begins
        self._parser = expat.ParserCreate("UTF-8")
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._add_text
        self._parser.DefaultHandlerExpand = self._close_tag
        self._parser.StartDoctypeDeclHandler = self._refuse  # it may define entities

    def parse(self) -> None:
        try:
            self._parser.Parse(self._xmp.rstrip(b"\0 \n"), True)  # noqa: FBT003 - the last part
        except expat.ExpatError as error:
            raise UnreadableXmpError from error

    def _begin(self, raw: str, attributes: dict[str, str]) -> None:
        self._close_tag()
        parent = self._open[-1] if self._open else None
        element = Element(raw, parent, self._parser.CurrentByteIndex, attributes)
        if len(self.elements) >= _LARGEST_ELEMENTS or len(self._open) >= _DEEPEST:
            self._refuse()
        self.elements.append(element)
        if parent:
            parent.children.append(element)
        self._open.append(element)
        self._texts.append([])
        self._begun = element

    def _end(self, _raw: str) -> None:
        self._close_tag()
        element, at = self._open.pop(), self._parser.CurrentByteIndex
        element.content_end = element.stop = at
        element.text = "".join(self._texts.pop())
        if self._xmp[at - 2 : at] != b"/>" or at != element.content:
            element.stop = self._xmp.find(b">", at) + 1

    def _add_text(self, text: str) -> None:
        self._close_tag()
        if self._texts:
            self._texts[-1].append(text)

    def _close_tag(self, _part: str = "") -> None:
        if self._begun:
            self._begun.content = self._parser.CurrentByteIndex
            self._begun = None

    def _refuse(self, *_parts: object) -> NoReturn:
        raise UnreadableXmpError


def parse(xmp: bytes) -> list[Element]:
    """Parse a packet into its elements, as they follow each other.

    Args:
        xmp: the packet, in UTF-8.

    Raises:
        UnreadableXmpError: it cannot be parsed safely.
    """
    if len(xmp) > _LARGEST_BYTES:
        raise UnreadableXmpError
    builder = _Builder(xmp)
    builder.parse()
    return builder.elements


def write(xmp: bytes, elements: list[Element]) -> bytes:
    """Write a packet with what was edited in its elements; all else keeps its bytes."""
    pieces, at = [], 0
    for element in elements:
        if element.start < at:  # in one that was removed
            continue
        if "removed" in element.edits:
            pieces.append(xmp[at : element.start])
            at = element.stop
            continue
        if "attributes" in element.edits:
            ending = b"/>" if element.content == element.stop else b">"
            pieces += [xmp[at : element.start], _make_tag(element), ending]
            at = element.content
        if "text" in element.edits:
            pieces += [xmp[at : element.content], escape(element.text).encode()]
            at = element.content_end
    return b"".join((*pieces, xmp[at:]))


def _make_tag(element: Element) -> bytes:
    attributes = "".join(f" {raw}={quoteattr(value)}" for raw, value in element.attributes.items())
    return f"<{element.raw}{attributes}".encode()
