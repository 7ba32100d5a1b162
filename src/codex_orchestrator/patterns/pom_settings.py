"""The settings in a pom.xml that decide which tests Maven runs."""

import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

_PROPERTY = re.compile(r"(?i)skip|test|surefire|failsafe|argline|jacoco|coverage")


def pom_settings(data: bytes | None) -> dict[str, Any]:
    """Return the settings in a pom.xml by their names in words for a finding.

    Raises:
        ValueError: it is no XML, or has a document type.
    """
    text = (data or b"<project/>").decode("utf-8-sig")
    if "<!DOCTYPE" in text or "\0" in text:
        raise ValueError("a pom has no document type")
    try:
        root = ET.fromstring(text)  # noqa: S314 - without entities it cannot grow
    except ET.ParseError as error:
        raise ValueError(str(error)) from error
    return dict(_settings_of(root, ""))


def _settings_of(project: ET.Element, place: str) -> Iterator[tuple[str, str]]:
    for child in project:
        name = child.tag.rpartition("}")[2]
        if name in {"build", "modules", "activation", "reporting"}:
            text = ET.canonicalize(ET.tostring(child), strip_text=True)
            yield f"{place}`<{name}>`", text
        elif name == "properties":
            for item in child:
                tag = item.tag.rpartition("}")[2]
                if _PROPERTY.search(tag) and not tag.endswith("version"):
                    yield f"{place}`<{tag}>`", (item.text or "").strip()
        elif name == "profiles":
            for number, profile in enumerate(child):
                yield from _settings_of(profile, f"profile {number + 1} {place}")
