"""The elements of an XMP packet, and their fields, which can be written and removed.

Names are URIs, namespace and name together, so that prefixes do not matter. A property may be an
attribute or an element (XMP part 1, section 7.9.2.2); both are fields of the element around them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


@dataclass(eq=False)
class Element:
    """An element.

    Attributes:
        raw: its name, as written.
        parent: the element around it.
        start: offset of its first byte; of what is in it; behind that; and behind the element.
        attributes: values by name, as written.
        text: in it, without that of its children.
        edits: whether its attributes or its text are new, or it is removed.
    """

    raw: str
    parent: Element | None
    start: int
    attributes: dict[str, str]
    content: int = 0
    content_end: int = 0
    stop: int = 0
    text: str = ""
    children: list[Element] = field(default_factory=list)
    edits: set[str] = field(default_factory=set)

    @cached_property
    def name(self) -> str:
        """The element's name as a URI."""
        return self.resolve(self.raw)

    def resolve(self, raw: str) -> str:
        """Return a name as a URI; without a known prefix, as it is written."""
        prefix, colon, local = raw.rpartition(":")
        for element in self.list_around() if colon else ():
            if uri := element.attributes.get(f"xmlns:{prefix}"):
                return uri + local
        return raw

    def list_around(self) -> Iterator[Element]:
        """Yield it and the elements around it, from within."""
        at: Element | None = self
        while at:
            yield at
            at = at.parent

    def find_property(self) -> str:
        """Return the name of the property that it is, or is a value of; RDF's names are none."""
        return next((each.name for each in self.list_around() if not each.name.startswith(RDF)), "")

    @cached_property
    def fields(self) -> dict[str, Field]:
        """Its fields by their names."""
        found = {self.resolve(raw): Field(self, raw) for raw in self.attributes}
        return found | {child.name: Field(child) for child in self.children}


@dataclass(frozen=True)
class Field:
    """A field: an attribute of an element, or the element."""

    element: Element
    attribute: str = ""

    @property
    def text(self) -> str:
        """Its value; empty if it has fields of its own."""
        found = self.element.attributes[self.attribute] if self.attribute else self.element.text
        return found.strip()

    def write(self, text: str) -> None:
        """Set its value."""
        if self.attribute:
            self.element.attributes[self.attribute] = text
        else:
            self.element.text = text
        self.element.edits.add("attributes" if self.attribute else "text")

    def remove(self) -> None:
        """Remove it."""
        if self.attribute:
            del self.element.attributes[self.attribute]
        self.element.edits.add("attributes" if self.attribute else "removed")
