"""Terminal, JSON, review and `runs show` say the same about a run, in the same numbers."""

import json
import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from support.project import TEST, CommandLine, make_project, task_with, write

NAME = "test_it_`breaks`_<b>@team</b>"
FAILS = f"""

def fails(self):
    self.fail()


setattr(Greeting, {NAME!r}, fails)
Greeting.test_it_is_there = lambda self: greet("you")
"""
BREAKS = 'open("src/greeter/__init__.py", "a").write("\\ngreet = print\\n")\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    tests = TEST.replace("self.assertEqual", 'print("what it printed")\n        self.assertEqual')
    files = {
        "tests/test_greeter.py": tests + FAILS,
        "tasks/logging.md": task_with(steps="\n  - command: [python3, step.py]"),
        "step.py": BREAKS,
    }
    repo = make_project(tmp_path / "repo", **files)
    write(repo, "README.md", "new\n")
    write(repo, "step.py", BREAKS + "\n")
    write(repo, "odd\nname.py", "")
    return repo


def test_numbers_failures_and_what_was_not_seen_agree(project: Path, call: CommandLine) -> None:
    shown = call("run", "logging", "--repo", str(project))
    document = json.loads(call("run", "logging", "--repo", str(project), "--format", "json").out)
    (check,) = document["validations"]
    counts = check["tests"]
    words = "3 tests executed: 1 passed, 2 failed, 0 skipped"
    assert (counts["executed"], counts["passed"], counts["failed"]) == (3, 1, 2)
    told = "new failures: 1, failing at the base too: 1"
    assert told in check["detail"]
    assert words in check["summary"]
    unseen = "1 changed (step.py), 2 not tracked (README.md, odd\\x0aname.py)"
    assert unseen in document["uncommitted"]
    review = (project / document["review_path"]).read_text()
    listed = call("runs", "show", document["run_id"], "--repo", str(project))
    for text in (shown.err, review, listed.out):
        assert words in text
        assert told in text
        assert "what it printed" in text
        assert "README.md" in text
    for text in (shown.err, listed.out):
        assert unseen in text
        assert f"next: {document['next']}" in " ".join(text.replace("next      ", "next: ").split())
    assert all(name in listed.out and name in shown.err for name in check["failures"])
    page = MarkdownIt("commonmark").enable("table").render(review)
    assert "<b>" not in page
    assert "@team" not in re.sub(r"(?s)<code.*?</code>", "", page)
