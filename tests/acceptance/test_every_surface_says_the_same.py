"""Terminal, JSON, review and `runs show` say the same about a run, in the same numbers."""

import json
import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from support.project import TEST, CommandLine, make_project, write

NAME = "test_it_`breaks`_<b>@team</b>"
FAILS = (
    TEST
    + f"""

def breaks(self):
    print("what it printed")
    self.fail()


Greeting.test_more = breaks
setattr(Greeting, {NAME!r}, breaks)
"""
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    repo = make_project(tmp_path / "repo", **{"tests/test_greeter.py": FAILS})
    write(repo, "README.md", "new\n")
    write(repo, "src/greeter/__init__.py", (repo / "src/greeter/__init__.py").read_text() + "\n")
    write(repo, "odd\nname.py", "")
    return repo


def test_numbers_failures_and_what_was_not_seen_agree(project: Path, call: CommandLine) -> None:
    shown = call("run", "logging", "--repo", str(project))
    document = json.loads(call("run", "logging", "--repo", str(project), "--format", "json").out)
    (check,) = document["validations"]
    counts = check["tests"]
    words = "3 tests executed: 1 passed, 2 failed, 0 skipped"
    assert (counts["executed"], counts["passed"], counts["failed"]) == (3, 1, 2)
    assert words in check["summary"]
    unseen = "1 changed (src/greeter/__init__.py), 2 not tracked (README.md, odd\\x0aname.py)"
    assert unseen in document["uncommitted"]
    review = (project / document["review_path"]).read_text()
    listed = call("runs", "show", document["run_id"], "--repo", str(project))
    for text in (shown.err, review, listed.out):
        assert words in text
        assert "what it printed" in text
        assert "README.md" in text
    for text in (shown.err, listed.out):
        assert unseen in text
        assert f"next: {document['next']}" in " ".join(text.replace("next      ", "next: ").split())
    assert all(name in listed.out and name in shown.err for name in check["failures"])
    page = MarkdownIt("commonmark").enable("table").render(review)
    assert "<b>" not in page
    assert "@team" not in re.sub(r"(?s)<code.*?</code>", "", page)
