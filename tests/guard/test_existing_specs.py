"""Specs that a repository has already: decision records and specs of other tools."""

import os
import re

import pytest
from click.testing import CliRunner

from codex_orchestrator.cli.commands import app
from codex_orchestrator.guard.config_table import parse_config
from codex_orchestrator.guard.document_facts import document_facts
from codex_orchestrator.guard.facts import NO_SPEC, Facts
from codex_orchestrator.guard.formats import Formats
from codex_orchestrator.guard.formats_table import FORMATS
from codex_orchestrator.guard.new_spec import spec_text
from codex_orchestrator.guard.recipes import is_beside_specs
from codex_orchestrator.guard.report import Report
from codex_orchestrator.guard.task_specs import RepositorySpecGuard
from codex_orchestrator.model.config_file import parse_table
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.task import Task
from support.guard_repo import GuardRepo, codes, days_ago
from support.sdists import ROOT

MADR_4 = """---
status: "accepted"
date: 2026-11-20
decision-makers: [Ada, Grace]
---
# Log in one format

## Context and Problem Statement

Logs differ.

## Paths

* `src/**`
"""
MADR_2 = """# Log in one format

* Status: accepted <!-- optional -->
* Deciders: Ada, Grace
* Date: 2026-11-20

## Applies to

- src/**
"""
ADR_TOOLS = """# 7. Log in one format

Date: 2026-11-20

## Status

Accepted

Amends [3. Keep logs](0003-keep-logs.md)

## Paths

src/**

## Context

Logs differ.
"""
SPEC_KIT = """# Feature Specification: Structured logs

**Feature Branch**: `007-structured-logs`
**Created**: 2026-11-20
**Status**: Approved
**Paths**: `src/**`

## User Scenarios
"""
PLAIN = """# Logs

Status: Approved
Last reviewed: 2026-11-20
Applies to: src/**

## Text

More.
"""
DOCUMENTS = {
    "madr": ("docs/decisions/0007-logs.md", MADR_4),
    "madr 2": ("docs/decisions/0007-logs.md", MADR_2),
    "adr-tools": ("doc/adr/0007-logs.md", ADR_TOOLS),
    "spec-kit": ("specs/007-logs/spec.md", SPEC_KIT),
    "markdown": ("docs/specs/logs.md", PLAIN),
}


def configuration(kind: str, more: str = "") -> str:
    specs = 'specs = ["docs/specs/*.md"]\n' if kind == "markdown" else ""
    return f'[guard]\nspecs_format = "{kind.split(maxsplit=1)[0]}"\n{specs}{more}'


def with_document(repo: GuardRepo, kind: str, text: str | None = None, more: str = "") -> str:
    """Commit a document with its configuration, and return its path."""
    path, usual = DOCUMENTS[kind]
    files = {path: usual if text is None else text, "src/a.py": "x = 1\n"}
    repo.commit({".codex-orchestrator.toml": configuration(kind, more), **files})
    return path


def read(text: str, *, kind: str = "markdown", more: str = "", path: str = "x.md") -> Facts:
    table = parse_table(configuration(kind, more).encode(), name=".codex-orchestrator.toml")
    assert table is not None
    config = parse_config(table)
    assert config is not None
    formats = Formats(config)
    data = text.encode()
    return formats.settle(path, formats.parser(path)(data, len(data)))


def messages(report: Report) -> list[tuple[str, str, int, str]]:
    return [(item.rule, item.path, item.line, item.message) for item in report.findings]


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_an_accepted_document_allows_the_code_that_it_names(
    empty_repo: GuardRepo, kind: str
) -> None:
    with_document(empty_repo, kind)
    report = empty_repo.both_views({"src/a.py": "x = 2\n"})
    assert (report.outcome, report.checked.code, report.checked.specs) == ("passed", 1, 1)


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_proposed_document_allows_nothing(empty_repo: GuardRepo, kind: str) -> None:
    _, text = DOCUMENTS[kind]
    for word in ("accepted", "Accepted", "Approved"):
        text = text.replace(word, "Proposed")
    path = with_document(empty_repo, kind, text)
    report = empty_repo.both_views({"src/a.py": "x = 2\n"})
    assert [(item.rule, item.path) for item in report.findings] == [("SPEC005", path)]
    line = text[: text.index("Proposed")].count("\n") + 1
    assert report.findings[0].line == line
    assert "guard accept" in report.findings[0].fix


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_an_old_date_makes_a_document_stale(empty_repo: GuardRepo, kind: str) -> None:
    text = DOCUMENTS[kind][1].replace("2026-11-20", days_ago(31))
    with_document(empty_repo, kind, text)
    assert codes(empty_repo.both_views({"src/a.py": "x = 2\n"})) == ["SPEC002"]


@pytest.mark.parametrize("kind", DOCUMENTS)
@pytest.mark.parametrize("date", ["next week", "20/11/2026", "2026-13-45"])
def test_a_date_that_is_none_is_an_error_at_its_line(
    empty_repo: GuardRepo, kind: str, date: str
) -> None:
    text = DOCUMENTS[kind][1].replace("2026-11-20", date)
    path = with_document(empty_repo, kind, text)
    report = empty_repo.both_views({"src/a.py": "x = 2\n"})
    assert report.outcome == "failed"
    found = next(item for item in report.findings if item.rule == "SPEC003")
    assert (found.path, found.line) == (path, text[: text.index(date)].count("\n") + 1)
    assert "YYYY-MM-DD" in found.fix


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_accepting_a_proposed_document_makes_it_allow_its_code(
    empty_repo: GuardRepo, kind: str
) -> None:
    _, text = DOCUMENTS[kind]
    for word in ("accepted", "Accepted", "Approved"):
        text = text.replace(word, "proposed")
    more = 'required_approvals = ["dx"]\n'
    path = with_document(empty_repo, kind, text.replace("2026-11-20", "2024-01-02"), more)
    result = accept(empty_repo, path, role="dx")
    assert result.exception is None, result.output
    empty_repo.commit()
    assert empty_repo.both_views({"src/a.py": "x = 2\n"}).findings == ()


def accept(repo: GuardRepo, path: str, *, role: str = "reviewer", day: str = "2026-11-22"):
    argv = ["guard", "--repo", str(repo.root), "accept", str(repo.root / path)]
    argv += ["--reviewer", "Ann B.", "--role", role, "--as-of", day]
    return CliRunner().invoke(app, argv, standalone_mode=False)


def test_accepting_adds_lines_in_the_notation_of_the_document_and_keeps_all_others(
    empty_repo: GuardRepo,
) -> None:
    text = SPEC_KIT.replace("Approved", "Draft").replace("\n", "\r\n")
    path = with_document(empty_repo, "spec-kit", text)
    accept(empty_repo, path)
    added = "**Last reviewed**: 2026-11-22\r\n**Approved by**: Ann B. (reviewer), 2026-11-22\r\n"
    after = text.replace("Draft\r\n", f"Approved\r\n{added}")
    assert (empty_repo.root / path).read_bytes().decode() == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "---\nnav_order: 3\n---\n# T\n",
            (
                "---\nnav_order: 3\nstatus: approved\nlast_review: 2026-11-22\napprovals:\n"
                '  - {role: reviewer, by: "Ann B.", on: 2026-11-22}\n---\n# T\n'
            ),
        ),
        (
            "# T\n",
            (
                "# T\n\nStatus: Approved\n\nLast reviewed: 2026-11-22\n\n"
                "Approved by: Ann B. (reviewer), 2026-11-22\n"
            ),
        ),
        (
            "# T\n\n- Status: draft\n- Owner: Ada\n",
            (
                "# T\n\n- Status: Approved\n- Last reviewed: 2026-11-22\n"
                "- Approved by: Ann B. (reviewer), 2026-11-22\n- Owner: Ada\n"
            ),
        ),
        (
            "# T\n\n**Status:** draft  \n**Owner:** Ada\n",
            (
                "# T\n\n**Status:** Approved  \n**Last reviewed:** 2026-11-22  \n"
                "**Approved by:** Ann B. (reviewer), 2026-11-22  \n**Owner:** Ada\n"
            ),
        ),
        (
            "# T\n\n**Created**: 2026-01-01\n\n**Status**: draft\n\nText.\n",
            (
                "# T\n\n**Created**: 2026-01-01\n\n**Status**: Approved\n\n"
                "**Last reviewed**: 2026-11-22\n\n"
                "**Approved by**: Ann B. (reviewer), 2026-11-22\n\nText.\n"
            ),
        ),
        (
            "# T\n\n## Status\n\nProposed\n\n## Text",
            (
                "# T\n\nLast reviewed: 2026-11-22\n\n"
                "Approved by: Ann B. (reviewer), 2026-11-22\n\n## Status\n\nApproved\n\n## Text"
            ),
        ),
    ],
)
def test_a_review_is_written_in_the_notation_of_the_document(
    empty_repo: GuardRepo, before: str, after: str
) -> None:
    path = with_document(empty_repo, "markdown", before)
    result = accept(empty_repo, path)
    assert result.exception is None
    assert (empty_repo.root / path).read_text() == after


def test_templates_are_not_counted_as_specs(empty_repo: GuardRepo) -> None:
    with_document(empty_repo, "madr")
    template = MADR_4.replace('"accepted"', '"{proposed | accepted}"')
    empty_repo.commit({"docs/decisions/adr-template.md": template, "docs/decisions/x.md": template})
    assert empty_repo.audit().checked.specs == 1
    report = empty_repo.both_views({"docs/decisions/x.md": MADR_4})
    assert report.checked.specs == 1


def test_the_day_of_a_decision_stays_when_its_record_is_reviewed(empty_repo: GuardRepo) -> None:
    path = with_document(empty_repo, "adr-tools", ADR_TOOLS.replace("2026-11-20", "2018-06-26"))
    accept(empty_repo, path)
    text = (empty_repo.root / path).read_text()
    assert "Date: 2018-06-26\n\nLast reviewed: 2026-11-22\n" in text
    accept(empty_repo, path, day="2026-11-23")
    again = (empty_repo.root / path).read_text()
    assert again == text.replace("2026-11-22", "2026-11-23")


def test_a_field_that_the_configuration_names_takes_the_review(empty_repo: GuardRepo) -> None:
    text = "# Logs\n\n* State: open\n* Seen: 2020-01-01\n* Scope: src/**\n"
    fields = '{status = "State", date = ["Seen"], paths = "Scope"}'
    path = with_document(empty_repo, "markdown", text, f"specs_fields = {fields}\n")
    result = accept(empty_repo, path)
    assert isinstance(result.exception, InputError)
    more = f'specs_fields = {fields}\nspecs_status = {{"open" = "draft"}}\n'
    empty_repo.write({".codex-orchestrator.toml": configuration("markdown", more)})
    result = accept(empty_repo, path)
    assert result.exception is None
    assert "* State: Approved\n* Seen: 2026-11-22\n" in (empty_repo.root / path).read_text()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("# T\n\nStatus: Superseded by [8](0008-x.md)\nDate: 2026-11-20\n", "brings it back"),
        ("# T\n\nStatus: [DRAFT]\nDate: [DATE]\n", "template"),
        ("# T\n\nStatus: accepted\n\n## Status\n\nDraft\n", "more than once"),
        ("words\n", "neither title nor fields"),
        ("---\nstatus: draft\nstatus: accepted\n---\n# T\n", "duplicate key"),
        (b"# T\n\nStatus: \xe9\n", "not UTF-8"),
    ],
)
def test_what_cannot_be_accepted_is_refused_and_stays_as_it_is(
    empty_repo: GuardRepo, text: str | bytes, problem: str
) -> None:
    path = with_document(empty_repo, "markdown")
    empty_repo.write({path: text})
    before = (empty_repo.root / path).read_bytes()
    result = accept(empty_repo, path)
    assert isinstance(result.exception, InputError)
    assert problem in str(result.exception)
    assert result.exception.path == path
    assert (empty_repo.root / path).read_bytes() == before
    assert os.listdir((empty_repo.root / path).parent) == ["logs.md"]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("Accepted", "approved"),
        ("**Accepted**", "approved"),
        ("✅ accepted.", "approved"),
        ("Accepted on 2024-01-02", "approved"),
        ("approved (2024-01-02)", "approved"),
        ("Accepted by nobody yet", "draft"),
        ("Not accepted", "draft"),
        ("accepted?", "draft"),
        ("acceptedish", "draft"),
        ("In force", "draft"),
        ("Draft, accepted soon", "draft"),
        ("Proposed", "draft"),
        ("superseded by [ADR-9](0009-x.md)", "superseded"),
        ("Superceded by 9", "superseded"),
        ("~~Accepted~~", "draft"),
        ("[ ] Accepted", "draft"),
        ("[x] Accepted", "draft"),
        ("\u274c Accepted", "draft"),
        ("!accepted", "draft"),
        ("\u2714\ufe0f **Accepted**", "approved"),
        ("deprecated", "superseded"),
        ("rejected: too slow", "superseded"),
    ],
)
def test_only_the_very_word_approves(said: str, status: str) -> None:
    assert read(f"# T\n\n* Status: {said}\n* Date: 2024-01-02\n").status == status


@pytest.mark.parametrize(
    "text",
    [
        '---\ntitle: "a\u2028status: accepted"\n---\n# T\n',
        '---\ntitle: "a\nstatus: accepted"\n---\n# T\n',
        "---\ntitle: |\n  a\n  status: accepted\n---\n# T\n",
        "---\nmore:\n  status: accepted\n---\n# T\n",
        "---\nstatus: [accepted]\n---\n# T\n",
    ],
)
def test_only_a_key_at_the_top_of_the_front_matter_is_a_status(text: str) -> None:
    assert read(text).status != "approved"


def test_a_line_above_the_title_is_no_front_matter() -> None:
    facts = read("-----\n# T\n\nStatus: accepted\nDate: 2026-11-20\n")
    assert (facts.problem, facts.status) == ("", "approved")


def test_a_draft_of_ours_is_read_and_accepted_among_documents_with_names_of_their_own(
    empty_repo: GuardRepo,
) -> None:
    text = spec_text("0001-a", title="A", paths=["src/**"])
    fields = '{status = "State", date = "Seen", paths = "Scope"}'
    path = with_document(empty_repo, "markdown", text, f"specs_fields = {fields}\n")
    assert codes(empty_repo.both_views({"src/a.py": "x = 2\n"})) == ["SPEC005"]
    result = accept(empty_repo, path)
    assert result.exception is None
    empty_repo.commit()
    assert empty_repo.both_views({"src/a.py": "x = 3\n"}).findings == ()


def test_a_status_that_nobody_mapped_is_a_draft_with_a_finding(empty_repo: GuardRepo) -> None:
    text = PLAIN.replace("Approved", "In force")
    path = with_document(empty_repo, "markdown", text)
    found = empty_repo.audit().findings
    assert [(item.rule, item.path, item.line) for item in found] == [("SPEC005", path, 3)] * 1
    assert "in force" in found[0].message.lower()
    assert "specs_status" in found[0].fix
    more = 'specs_status = {"In Force" = "approved"}\n'
    empty_repo.commit({".codex-orchestrator.toml": configuration("markdown", more)})
    assert empty_repo.audit().findings == ()


def test_a_document_without_a_status_is_a_draft_with_a_finding(empty_repo: GuardRepo) -> None:
    with_document(empty_repo, "markdown", PLAIN.replace("Status: Approved\n", ""))
    assert "counts as a draft" in empty_repo.audit().findings[0].message
    assert codes(empty_repo.both_views({"src/a.py": "x = 2\n"})) == ["SPEC005"]


@pytest.mark.parametrize("line", ["* Superseded by: [9](0009-x.md)", "* **Replaced by**: ADR-9"])
def test_a_field_that_names_a_successor_takes_the_approval_away(line: str) -> None:
    text = f"# T\n\n* Status: accepted\n* Date: 2026-11-20\n{line}\n"
    assert read(text).status == "superseded"
    front = "---\nstatus: accepted\nsuperseded_by: {}\n---\n# T\n"
    assert read(front.format("0009")).status == "superseded"
    assert read(front.format("null")).status == "approved"


def test_two_words_for_one_status_approve_nothing() -> None:
    facts = read("# T\n\nStatus: accepted\nDate: 2026-11-20\n\n## Status\n\nProposed\n")
    assert facts.status == "draft"
    assert "two ways" in facts.remark
    assert read("# T\n\n## Status\n\nAccepted\n\nSuperseded by [2](2.md)\n").status == "superseded"


@pytest.mark.parametrize(
    "text",
    [
        "# T\n\n<!-- Status: accepted -->\n",
        "# T\n\n<!--\nStatus: accepted\n-->\n",
        "# T\n\n```\nStatus: accepted\n```\n",
        "# T\n\n    Status: accepted\n",
        "# T\n\n## More\n\nStatus: accepted\n",
        "# T\n\n## Status\n\n```\nAccepted\n```\n",
        "# T\n\n## Status\n\nWe ask: accepted, or not?\n",
    ],
)
def test_what_a_reader_does_not_see_as_the_status_approves_nothing(text: str) -> None:
    assert read(text).status == "draft"


def test_superseded_records_allow_nothing_and_name_what_follows_them(
    empty_repo: GuardRepo,
) -> None:
    gone = ADR_TOOLS.replace("Accepted\n\nAmends", "Superceded by [8. Logs](0008-l.md)\n\nAmends")
    path = with_document(empty_repo, "adr-tools", gone)
    report = empty_repo.both_views({"src/a.py": "x = 2\n"})
    assert messages(report) == [
        (
            "SPEC005",
            path,
            7,
            "Status is superseded, not approved: `Superceded by 8. Logs` (needed by src/a.py)",
        )
    ]
    assert "what supersedes it" in report.findings[0].fix
    empty_repo.commit({"doc/adr/0008-l.md": ADR_TOOLS.replace("# 7.", "# 8.")})
    assert empty_repo.both_views({"src/a.py": "x = 3\n"}).findings == ()


@pytest.mark.parametrize(
    ("path", "kind", "is_beside"),
    [
        ("docs/decisions/adr-template.md", "madr", True),
        ("docs/decisions/adr-template-bare-minimal.md", "madr", True),
        ("doc/adr/0000-template.md", "adr-tools", True),
        ("doc/adr/adr000-template.md", "adr-tools", True),
        ("doc/adr/templates/template.md", "adr-tools", True),
        ("docs/decisions/README.md", "madr", True),
        ("docs/decisions/0012-choose-a-template-engine.md", "madr", False),
        ("docs/decisions/0000-use-records.md", "madr", False),
        ("specs/001-a/plan.md", "spec-kit", True),
        ("specs/001-a/tasks.md", "spec-kit", True),
        ("specs/001-a/spec.md", "spec-kit", False),
        ("docs/specs/plan.md", "markdown", False),
    ],
)
def test_templates_lists_and_plans_are_no_specs(path: str, kind: str, is_beside: bool) -> None:
    assert is_beside_specs(path, kind) == is_beside


@pytest.mark.parametrize(
    "text",
    [
        "# Feature Specification: [NAME]\n\n**Created**: [DATE]\n**Status**: Draft\n",
        "# T\n\n* Status: [proposed | rejected | accepted]\n* Date: [YYYY-MM-DD]\n",
        '---\nstatus: "{proposed | rejected | accepted}"\n---\n# {short title}\n',
        "# NUMBER. TITLE\n\nDate: DATE\n\n## Status\n\nSTATUS\n",
    ],
)
def test_a_document_with_the_templates_values_is_no_spec(text: str) -> None:
    assert read(text + "\n## Paths\n\n- src/**\n") == NO_SPEC


def test_an_approved_document_with_the_templates_date_is_none_the_less_judged() -> None:
    facts = read("# T\n\n**Created**: [DATE]\n**Status**: Approved\n")
    assert (facts.status, facts.review) == ("approved", "[DATE]")


def test_paths_come_from_the_document_else_from_the_configuration(empty_repo: GuardRepo) -> None:
    mapping = '[[guard.mapping]]\nspecs = "docs/decisions/0007-*.md"\npaths = ["src/**"]\n'
    bare = MADR_4.partition("## Paths")[0]
    with_document(empty_repo, "madr", bare, mapping)
    assert empty_repo.both_views({"src/a.py": "x = 2\n"}).findings == ()
    path = DOCUMENTS["madr"][0]
    empty_repo.commit({path: MADR_4.replace("src/**", "lib/**")})
    assert codes(empty_repo.both_views({"src/a.py": "x = 3\n"})) == ["SPEC001"]


@pytest.mark.parametrize(
    ("section", "globs"),
    [
        ("- `src/a/**`: the parser\n- `lib/[b].py`", ("src/a/**", "lib/[b].py")),
        ("* src/**\n* lib/x.py", ("src/**", "lib/x.py")),
        ("1. [src/a](../../src/a)", ("src/a",)),
        ("src/**, lib/**", ("src/**", "lib/**")),
        ("All of the code, and the tests.", ()),
    ],
)
def test_a_section_names_paths(section: str, globs: tuple[str, ...]) -> None:
    text = f"# T\n\nStatus: accepted\nDate: 2026-11-20\n\n## Paths\n\n{section}\n"
    assert read(text).paths == globs


def test_a_path_that_is_no_glob_is_a_finding_at_its_line(empty_repo: GuardRepo) -> None:
    path = with_document(empty_repo, "madr", MADR_4.replace("src/**", "../src/**"))
    found = empty_repo.audit().findings[0]
    assert (found.rule, found.path, found.line) == ("SPEC004", path, 14)


def test_two_formats_live_in_one_repository(empty_repo: GuardRepo) -> None:
    own = "---\nid: a\nstatus: approved\nlast_review: 2026-11-20\npaths:\n  - lib/**\n---\n# A\n"
    config = (
        '[guard]\ncode = ["src/**", "lib/**"]\n'
        'specs = ["tasks/specs/**/*.md", "doc/adr/*.md"]\n'
        '[[guard.mapping]]\nspecs = "doc/adr/*.md"\nformat = "adr-tools"\n'
    )
    files = {"tasks/specs/a.md": own, "doc/adr/0007-logs.md": ADR_TOOLS}
    empty_repo.commit({".codex-orchestrator.toml": config, **files, "src/a.py": "", "lib/b.py": ""})
    report = empty_repo.both_views({"src/a.py": "x = 2\n", "lib/b.py": "x = 2\n"})
    assert (report.outcome, report.checked.code, report.checked.specs) == ("passed", 2, 2)


def test_the_first_mapping_that_says_something_counts() -> None:
    more = (
        '[[guard.mapping]]\nspecs = "docs/a/*.md"\npaths = ["one/**"]\n'
        '[[guard.mapping]]\nspecs = "docs/**/*.md"\nformat = "front-matter"\npaths = ["two/**"]\n'
        '[[guard.mapping]]\nspecs = "docs/a/*.md"\nformat = "markdown"\n'
    )
    text = "---\nid: x\nstatus: approved\nlast_review: 2026-11-20\n---\n"
    facts = read(text, more=more, path="docs/a/x.md")
    assert (facts.paths, facts.notation, facts.status) == (("one/**",), (), "approved")
    assert read(text, more=more, path="docs/b/x.md").paths == ("two/**",)
    assert read(text, more=more, path="other/x.md").notation != ()


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_task_may_have_an_accepted_document_as_its_spec(empty_repo: GuardRepo, kind: str) -> None:
    path = with_document(empty_repo, kind)
    guard = RepositorySpecGuard(empty_repo.root, environment=empty_repo.env)
    task = Task(id="t", title="T", spec=path)
    sha = empty_repo.git("rev-parse", "HEAD")
    assert guard.check_task(task, base_sha=sha, as_of="2026-11-22") == ()
    assert guard.spec_facts(task, base_sha=sha).last_review == "2026-11-20"


@pytest.mark.parametrize("word", ["Proposed", "In force", "Superseded by 9", ""])
def test_a_task_may_not_have_any_other_document_as_its_spec(
    empty_repo: GuardRepo, word: str
) -> None:
    path = with_document(empty_repo, "markdown", PLAIN.replace("Approved", word))
    guard = RepositorySpecGuard(empty_repo.root, environment=empty_repo.env)
    task = Task(id="t", title="T", spec=path)
    sha = empty_repo.git("rev-parse", "HEAD")
    found = guard.check_task(task, base_sha=sha, as_of="2026-11-22")
    assert [item.rule for item in found] == ["SPEC005"]


def test_agents_may_not_approve_a_document(empty_repo: GuardRepo) -> None:
    path = with_document(empty_repo, "adr-tools", ADR_TOOLS.replace("Accepted", "Proposed"))
    base = empty_repo.git("rev-parse", "HEAD")
    empty_repo.commit({path: ADR_TOOLS, "src/a.py": "x = 2\n"})
    guard = RepositorySpecGuard(empty_repo.root, environment=empty_repo.env)
    found = guard.check_change(
        Task(id="t", title="T", spec=path),
        base_sha=base,
        tree_id=empty_repo.git("rev-parse", "HEAD^{tree}"),
        as_of="2026-11-22",
        may_attest=lambda _: False,
    )
    assert ("SPEC009", "error") in [(item.rule, str(item.severity)) for item in found]


def test_a_changed_mapping_is_not_answered_from_the_cache(empty_repo: GuardRepo) -> None:
    with_document(empty_repo, "markdown", PLAIN.replace("Approved", "Final"))
    assert codes(empty_repo.audit()) == ["SPEC005"]
    more = 'specs_status = {final = "approved"}\n'
    empty_repo.commit({".codex-orchestrator.toml": configuration("markdown", more)})
    assert empty_repo.audit().findings == ()


def test_a_review_alone_is_no_edit_of_substance(empty_repo: GuardRepo) -> None:
    text = ADR_TOOLS.partition("## Paths")[0]
    path = with_document(empty_repo, "adr-tools", text.replace("Accepted", "Proposed"))
    reviewed = text.replace("2026-11-20", "2026-11-21\nLast reviewed: 2026-11-21")
    report = empty_repo.both_views({path: reviewed, "src/a.py": "x = 2\n"})
    assert codes(report) == ["SPEC001"]
    assert "only spaces, dates or approvals differ" in report.findings[0].message
    report = empty_repo.both_views({path: reviewed + "\nNew words.\n", "src/a.py": "x = 3\n"})
    assert codes(report) == []


def test_links_and_huge_files_are_no_specs(empty_repo: GuardRepo) -> None:
    path = with_document(empty_repo, "markdown")
    (empty_repo.root / "docs/specs/link.md").symlink_to("logs.md")
    empty_repo.commit({"docs/specs/huge.md": PLAIN + "x" * 1024 * 1024})
    found = {(item.rule, item.path): item.message for item in empty_repo.audit().findings}
    assert "symlink" in found["SPEC004", "docs/specs/link.md"]
    assert "limit" in found["SPEC004", "docs/specs/huge.md"]
    assert ("SPEC004", path) not in found


def test_a_hostile_document_is_read_in_time_that_grows_with_its_size() -> None:
    table = parse_table(configuration("markdown").encode(), name=".codex-orchestrator.toml")
    assert table is not None
    config = parse_config(table)
    assert config is not None
    recipe = Formats(config).recipe("x.md")
    for part in (
        "<!--",
        "[",
        "---\n",
        "**",
        "a " * 40 + ":",
        "```\n",
        "# \n",
        "Status: [",
        "|",
        "`",
        "`a",
    ):
        data = (part * (200_000 // len(part))).encode()
        assert document_facts(data, size=len(data), recipe=recipe).status in ("draft", "")


@pytest.mark.parametrize(
    ("more", "field", "near"),
    [
        ('specs_format = "mader"', "guard.specs_format", "madr"),
        ("specs_format = 3", "guard.specs_format", "front-matter"),
        ('specs_fields = {state = "x"}', "guard.specs_fields.state", "status"),
        ("specs_fields = {status = []}", "guard.specs_fields.status", "name of a field"),
        ('specs_status = {done = "yes"}', "guard.specs_status.done", "approved"),
        ("specs_status = []", "guard.specs_status", "table"),
        ("mapping = 3", "guard.mapping", "list"),
        ('mapping = [{specs = "a/*.md"}]', "guard.mapping.0", "neither"),
        ('mapping = [{specs = "../a", paths = ["b"]}]', "guard.mapping.0.specs", "`..`"),
        ('mapping = [{specs = "a", paths = ["/b"]}]', "guard.mapping.0.paths", "/b"),
        ('mapping = [{specs = "a", path = ["b"]}]', "guard.mapping.0.path", "paths"),
        ('mapping = [{specs = "a", format = "rst"}]', "guard.mapping.0.format", "madr"),
    ],
)
def test_a_wrong_mapping_is_an_error_that_names_line_and_field(
    more: str, field: str, near: str
) -> None:
    table = parse_table(f"[guard]\n{more}\n".encode(), name="x.toml")
    assert table is not None
    with pytest.raises(InputError) as caught:
        parse_config(table)
    assert (caught.value.path, caught.value.field) == ("x.toml", field)
    assert caught.value.line == 2
    assert near in f"{caught.value} {caught.value.fix}"


PAGE = (ROOT / "docs/how-to/existing-specs.md").read_text(encoding="utf-8")
HEADINGS = ("MADR", "adr-tools", "spec-kit", "Plain Markdown", "Two formats in one repository")
EXAMPLES = dict(
    zip(HEADINGS, re.split(rf"(?m)^## (?:{'|'.join(HEADINGS)})$", PAGE)[1:], strict=True)
)


@pytest.mark.parametrize("heading", EXAMPLES)
def test_each_example_of_the_page_allows_a_change_of_the_code_that_it_owns(
    empty_repo: GuardRepo, heading: str
) -> None:
    section = EXAMPLES[heading]
    config, text = (
        re.findall(rf"^```{kind}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[0]
        for kind in ("toml", "markdown")
    )
    path = re.findall(r"^`([^`]+)`:$", section, re.MULTILINE)[0]
    files = {".codex-orchestrator.toml": config, path: text, "src/logging/a.py": "x = 1\n"}
    empty_repo.commit(files)
    report = empty_repo.both_views({"src/logging/a.py": "x = 2\n"})
    assert (report.findings, report.checked.specs) == ((), 1)


def test_the_page_names_each_format() -> None:
    assert [kind for kind in FORMATS if f"`{kind}`" not in PAGE and kind not in PAGE] == []
