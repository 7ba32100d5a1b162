"""The examples of `docs/extending.md`, run as they stand there."""

import re
from typing import Any

from support.sdists import ROOT


def documented(heading: str) -> dict[str, Any]:
    """Run the Python example below a heading and return the names that it defines."""
    text = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    (block,) = re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(block, "extending.md", "exec"), names)  # noqa: S102 - our own paper
    return names
