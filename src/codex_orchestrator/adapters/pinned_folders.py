"""The folders that pom.xml files set for the reports of tests."""

import re
from collections.abc import Iterator
from pathlib import Path

from codex_orchestrator.adapters.interface import read_text
from codex_orchestrator.system.listing import list_files
from codex_orchestrator.text.globs import glob_of, glob_problem

_PINNED = re.compile(r"<reportsDirectory>\s*([^<]+?)\s*</reportsDirectory>")
_VARIABLES = {"project.build.directory": "target", "project.basedir": ".", "basedir": "."}


def pinned_folders(root: Path) -> Iterator[str]:
    """Yield globs of the folders that poms set for reports; they win over a command's option."""
    for path in list_files(root):
        if path.rsplit("/", 1)[-1] != "pom.xml":
            continue
        for folder in _PINNED.findall(read_text(root / path)):
            place = re.sub(r"\$\{([^}]*)\}", lambda found: _VARIABLES.get(found[1], "/"), folder)
            # What lies outside the project, or in a folder of another variable, is not found: the
            # check has no report.
            glob = f"**/{glob_of(place.removeprefix('./'))}/TEST-*.xml"
            if not glob_problem(glob):
                yield glob
