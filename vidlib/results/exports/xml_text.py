"""XML documents built of elements, one element a line."""

from collections.abc import Mapping
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from vidlib.files import write_text
from vidlib.results.exports.edit_timeline import SPACES
from vidlib.text import printable


def add(parent: Element, tag: str, text: object = None, attributes: Mapping[str, object] | None = None) -> Element:
    """Add an element to ``parent``; characters that XML does not allow become ``_``."""
    element = SubElement(parent, tag, to_strings(attributes or {}))
    if text is not None:
        element.text = printable(str(text), keep=SPACES)
    return element


def to_strings(attributes: Mapping[str, object]) -> dict[str, str]:
    """Attributes of an element as printable text."""
    return {name: printable(str(value), keep=SPACES) for name, value in attributes.items()}


def write(path: Path, root: Element, doctype: str = "") -> Path:
    """Write the document ``root`` to ``path``, with the document type ``doctype`` where it is given."""
    return write_text(path, f"{head(doctype)}{lines(root)}\n")


def head(doctype: str = "") -> str:
    """The first lines of a document."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + (f"<!DOCTYPE {doctype}>\n" if doctype else "")


def lines(element: Element) -> str:
    """The text of an element, a line for each element in it."""
    indent(element)
    return tostring(element, encoding="unicode")
