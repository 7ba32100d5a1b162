"""XML of strangers, read without entities and with a bound on its depth."""

from collections.abc import Callable
from typing import Protocol
from xml.parsers import expat

MAX_DEPTH = 64


class _XmlError(ValueError):
    """The document cannot be used; the text says why."""


class XmlReader(Protocol):
    """Takes the elements of a document, one after the other."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Take the begin of an element."""

    def end(self, tag: str) -> None:
        """Take the end of an element."""


def read_xml(data: bytes, reader: XmlReader, text: Callable[[str], None] | None = None) -> str:
    """Read a document, and return why it cannot be used, "" if it can.

    A document type, and with it every entity, is refused.

    Args:
        data: the document.
        reader: takes the elements.
        text: takes the text between them, in pieces.
    """
    parser = expat.ParserCreate()
    depth = 0

    def refuse(*_facts: object) -> None:
        raise _XmlError("has a document type or entities")

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise _XmlError(f"is nested deeper than {MAX_DEPTH}")
        reader.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        reader.end(tag)

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    if text is not None:
        parser.CharacterDataHandler = text
    is_final = True
    try:
        parser.Parse(data, is_final)
    except _XmlError as error:
        return str(error)
    except expat.ExpatError as error:
        return f"is not XML: {error}"
    # LookupError and ValueError: an encoding that Python does not know or that is not one byte.
    except (LookupError, UnicodeError) as error:
        return f"has an unusable encoding: {error}"
    return ""
