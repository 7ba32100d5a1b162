"""A report that a check writes into the work tree is of this run, or it is none."""

import pytest

from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.workspace.written_reports import MAX_BYTES
from support.workspace import write_files

GLOBS = ("junit.xml", "**/target/reports/*.xml")


@pytest.fixture
def ran(workspace, tmp_path):
    """Run a command that writes reports; return its result and what was kept of them."""

    def run(script, files=None):
        command = CheckCommand(
            name="test", argv=("sh", "-c", script), report="junit:report-test", reports=GLOBS
        )
        with workspace.open("r1", base_sha=workspace.head_sha()) as tree:
            write_files(tree.root, files or {})
            logs = tmp_path / "logs"
            result = workspace.run_check(tree.root, command, log_dir=logs, deadline_s=60)
        kept = logs / "report-test"
        names = [path for path in kept.rglob("*") if path.is_file()]
        return result, {path.relative_to(kept).as_posix(): path.read_text() for path in names}

    return run


def test_reports_of_several_folders_are_kept(ran):
    result, kept = ran(
        "mkdir -p a/target/reports node_modules/b/target/reports && echo 1 > junit.xml"
        " && echo 2 > a/target/reports/T.xml && echo 3 > a/target/reports/T.txt"
        " && cp junit.xml node_modules/b/target/reports/"
    )
    assert kept == {"junit.xml": "1\n", "a/target/reports/T.xml": "2\n"}
    assert result.detail == ""


def test_a_report_that_was_there_before_is_gone_when_the_check_starts(ran):
    old = {"junit.xml": "old", "a/target/reports/T.xml": "old", "a/target/reports/notes.txt": "n"}
    result, kept = ran("ls junit.xml; ls a/target/reports", old)
    assert kept == {}
    assert result.output_tail.splitlines()[-1] == "notes.txt"


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("echo 1 > real; ln -s real junit.xml", "junit.xml is a symbolic link"),
        ("echo 1 > real; ln real junit.xml", "junit.xml has a second name"),
        ("mkfifo junit.xml", "junit.xml is not a regular file"),
        (f"truncate -s {MAX_BYTES + 1} junit.xml", f"the limit is {MAX_BYTES}"),
        ("echo 1 > junit.xml; touch -d 2020-01-01 junit.xml", "junit.xml is older than this run"),
    ],
)
def test_a_report_that_cannot_be_used_is_named_and_none_is_kept(ran, script, problem):
    result, kept = ran(f"mkdir -p target/reports; echo 1 > target/reports/T.xml; {script}")
    assert kept == {}
    assert problem in result.detail


def test_a_folder_that_leads_out_of_the_tree_holds_no_report(ran, tmp_path):
    outside = tmp_path / "outside"
    write_files(outside, {"reports/T.xml": "1"})
    result, kept = ran(f"ln -s {outside} target")
    assert (kept, result.detail) == ({}, "")
    assert (outside / "reports/T.xml").exists()
