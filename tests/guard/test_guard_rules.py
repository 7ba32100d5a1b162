"""Each rule has a repository that passes and one that fails, built with real git."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from codex_orchestrator.guard.report import FAILED, PASSED
from codex_orchestrator.guard.rules import RULES
from codex_orchestrator.model.errors import InputError
from support.guard_repo import GOOD, TODAY, GuardRepo, codes, days_ago, spec

CONFIG = ".codex-orchestrator.toml"
CODE = {"src/a.py": "x = 2\n"}
ROLES = '[guard]\nrequired_approvals = ["architecture", "security"]\n'
ARCHITECTURE = '  - {role: architecture, by: "@arch", on: 2026-11-01}\n'
SECURITY = '  - {role: Security, by: "@sec", on: 2026-11-02}'


def test_owned_code_with_a_fresh_approved_spec_passes(repo: GuardRepo) -> None:
    report = repo.both_views(CODE)
    assert (report.outcome, *report.checked[:2]) == (PASSED, 1, 1)


def test_a_change_that_touches_no_code_passes_and_counts_nothing(repo: GuardRepo) -> None:
    report = repo.both_views({"README.md": "other\n"})
    assert (report.outcome, *report.checked[:2], report.findings) == (PASSED, 0, 0, ())


@pytest.mark.parametrize(
    ("unowned", "expected"), [("touched", ["SPEC001"]), ("error", ["SPEC001"]), ("ignore", [])]
)
def test_unowned_code_is_judged_as_configured(
    repo: GuardRepo, unowned: str, expected: list[str]
) -> None:
    repo.commit({CONFIG: f'[guard]\nunowned = "{unowned}"\n'})
    assert codes(repo.both_views({"app/x.py": "x\n"})) == expected


@pytest.mark.parametrize(("unowned", "expected"), [("touched", []), ("error", ["SPEC001"])])
def test_a_substantive_edit_of_a_free_spec_carries_unowned_code_unless_that_is_an_error(
    repo: GuardRepo, unowned: str, expected: list[str]
) -> None:
    free = "tasks/specs/0002-free.md"
    repo.commit({CONFIG: f'[guard]\nunowned = "{unowned}"\n', free: spec(paths=None, spec_id="f")})
    edited = spec(paths=None, spec_id="f", body="# Good\n\nNow with the app.\n")
    assert codes(repo.both_views({"app/x.py": "x\n", free: edited})) == expected


def test_a_new_spec_carries_unowned_code_even_when_it_owns_other_paths(repo: GuardRepo) -> None:
    new = spec(paths=("docs/**",), spec_id="0002-new", body="# New\n\nFor the app.\n")
    assert codes(repo.both_views({"app/x.py": "x\n", "tasks/specs/0002-new.md": new})) == []


@pytest.mark.parametrize("flaw", [{"status": "draft"}, {"review": days_ago(31)}])
def test_a_spec_that_is_not_approved_and_fresh_carries_nothing(
    repo: GuardRepo, flaw: dict[str, str]
) -> None:
    new = spec(paths=None, spec_id="0002-new", **flaw)
    report = repo.both_views({"app/x.py": "x\n", "tasks/specs/0002-new.md": new})
    assert "SPEC001" in codes(report)


def test_one_sound_owner_is_enough(repo: GuardRepo) -> None:
    stale = spec(review=days_ago(99), spec_id="0002-stale")
    repo.commit({"tasks/specs/0002-stale.md": stale})
    assert repo.both_views(CODE).outcome == PASSED


def test_deleted_code_needs_its_spec_too(repo: GuardRepo) -> None:
    repo.commit({GOOD: spec(review=days_ago(31))})
    report = repo.both_views({"src/a.py": None})
    assert codes(report) == ["SPEC002"]
    assert "needed by src/a.py" in report.findings[0].message


def test_a_deleted_file_that_nobody_owns_is_named_as_deleted(repo: GuardRepo) -> None:
    repo.commit({"app/x.py": "x\n"})
    assert "(deleted)" in repo.both_views({"app/x.py": None}).findings[0].message


def test_the_age_limit_is_a_setting(repo: GuardRepo) -> None:
    repo.commit({CONFIG: "[guard]\nmax_age_days = 90\n", GOOD: spec(review=days_ago(90))})
    assert repo.both_views(CODE).outcome == PASSED
    repo.stage({"src/a.py": "x = 3\n"})
    assert codes(repo.staged(today=TODAY + timedelta(days=1))) == ["SPEC002"]


@pytest.mark.parametrize(("age", "warned"), [(23, []), (24, ["SPEC010"]), (30, ["SPEC010"])])
def test_a_warning_comes_in_the_last_seven_days(
    repo: GuardRepo, age: int, warned: list[str]
) -> None:
    repo.commit({GOOD: spec(review=days_ago(age))})
    report = repo.both_views(CODE)
    assert (report.outcome, codes(report, "warning")) == (PASSED, warned)
    assert codes(repo.audit(), "warning") == warned


def test_a_malformed_spec_that_the_change_touches_is_an_error_with_its_line(
    repo: GuardRepo,
) -> None:
    report = repo.both_views({GOOD: spec(extra="status: draft")})
    assert [(item.rule, item.path, item.line) for item in report.findings] == [("SPEC004", GOOD, 8)]


def test_a_malformed_bystander_blocks_nobody_who_does_not_need_it(repo: GuardRepo) -> None:
    repo.commit({"tasks/specs/0002-odd.md": "---\na: &x 1\nb: *x\n---\n"})
    assert repo.both_views(CODE).outcome == PASSED


@pytest.mark.parametrize(
    ("approvals", "message"),
    [
        ("", "approval by architecture is missing"),
        ("approvals:\n" + ARCHITECTURE.rstrip(), "approval by security is missing"),
        (
            f"approvals:\n{ARCHITECTURE}  - {{role: security, by: '', on: 2026-11-02}}",
            "approval by security names nobody",
        ),
        (
            f'approvals:\n{ARCHITECTURE}  - {{role: security, by: "@s"}}',
            "approval by security has no date",
        ),
        (
            f'approvals:\n{ARCHITECTURE}  - {{role: security, by: "@s", on: 2027-01-01}}',
            "approval by security is dated in the future",
        ),
        (f"approvals:\n{ARCHITECTURE}{SECURITY}", ""),
    ],
)
def test_required_roles_sign_with_name_and_date(
    repo: GuardRepo, approvals: str, message: str
) -> None:
    repo.commit({CONFIG: ROLES, GOOD: spec(approvals=approvals)})
    report = repo.both_views(CODE)
    assert codes(report) == (["SPEC006"] if message else [])
    assert not message or message in report.findings[0].message


def test_deleting_a_spec_with_all_its_code_passes(repo: GuardRepo) -> None:
    repo.commit({CONFIG: '[guard]\nunowned = "ignore"\n'})
    assert repo.both_views({GOOD: None, "src/a.py": None}).outcome == PASSED


def test_deleting_a_spec_while_its_code_remains_fails(repo: GuardRepo) -> None:
    report = repo.both_views({GOOD: None})
    assert [(item.rule, item.path) for item in report.findings] == [("SPEC007", GOOD)]
    assert "src/a.py" in report.findings[0].message


def test_giving_up_paths_while_their_code_remains_fails(repo: GuardRepo) -> None:
    assert codes(repo.both_views({GOOD: spec(paths=("docs/**",))})) == ["SPEC007"]


def test_handing_paths_to_another_spec_passes(repo: GuardRepo) -> None:
    heir = spec(paths=("src/*.py",), spec_id="0002-heir")
    assert repo.both_views({GOOD: None, "tasks/specs/0002-heir.md": heir}).outcome == PASSED


def test_a_date_only_edit_next_to_its_code_is_warned_about(repo: GuardRepo) -> None:
    report = repo.both_views({**CODE, GOOD: spec(review="2026-11-21")})
    assert (report.outcome, codes(report, "warning")) == (PASSED, ["SPEC008", "SPEC009"])


def test_an_edit_that_says_something_next_to_its_code_is_not_warned_about(
    repo: GuardRepo,
) -> None:
    report = repo.both_views({**CODE, GOOD: spec(body="# Good\n\nx is two.\n")})
    assert (report.outcome, report.findings) == (PASSED, ())


@pytest.mark.parametrize(
    ("level", "severity"), [("warn", "warning"), ("error", "error"), ("ignore", None)]
)
@pytest.mark.parametrize(
    "edit",
    [
        {"review": "2026-11-21"},
        {"approvals": 'approvals: [{role: dx, by: "@dx", on: 2026-11-21}]'},
        {"approvals": 'approvals:\n  - {role: dx, by: "@dx", on: 2026-11-21}'},
    ],
)
def test_a_change_that_vouches_for_itself_is_judged_as_configured(
    repo: GuardRepo, level: str, severity: str | None, edit: dict[str, str]
) -> None:
    repo.commit({CONFIG: f'[guard]\nself_review = "{level}"\n'})
    report = repo.both_views({**CODE, GOOD: spec(body="# Good\n\nx is two.\n", **edit)})
    found = [str(item.severity) for item in report.findings if item.rule == "SPEC009"]
    assert found == ([severity] if severity else [])


def test_a_status_set_to_approved_by_the_change_is_self_review(repo: GuardRepo) -> None:
    repo.commit({GOOD: spec(status="draft")})
    assert "SPEC009" in codes(repo.both_views({**CODE, GOOD: spec()}), "warning")


def test_a_spec_that_takes_over_the_code_of_its_own_change_is_a_warning(repo: GuardRepo) -> None:
    repo.commit({GOOD: spec(paths=("lib/**",)), "src/a.py": None})
    report = repo.both_views({GOOD: spec(paths=("lib/**", "src/**")), "src/b.py": "x\n"})
    assert (report.outcome, codes(report, "warning")) == (PASSED, ["SPEC009"])
    assert "src/b.py" in next(item.message for item in report.findings)


def test_a_spec_that_takes_over_other_code_is_no_self_review(repo: GuardRepo) -> None:
    wider = spec(paths=("src/**", "lib/**"), body="# Good\n\nAnd the library.\n")
    report = repo.both_views({GOOD: wider, "src/a.py": "x = 3\n"})
    assert (report.outcome, codes(report, "warning")) == (PASSED, [])


def test_code_that_another_owner_vouches_for_is_no_self_review(repo: GuardRepo) -> None:
    repo.commit({"tasks/specs/0002-also.md": spec(spec_id="0002-also")})
    changed = spec(review="2026-11-21", body="# Good\n\nx is two.\n")
    assert codes(repo.both_views({**CODE, GOOD: changed}), "warning") == []


TASK = "---\nid: t\ntitle: T\nspec: {spec}\n---\nDo it.\n"


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (GOOD, []),
        ("tasks/specs/none.md", ["TASK001"]),
        ('"a\\0b"', ["TASK001"]),
        ("[a]", ["TASK001"]),
    ],
)
def test_a_task_names_a_spec_that_is_there(
    repo: GuardRepo, named: str, expected: list[str]
) -> None:
    report = repo.both_views({"tasks/t.md": TASK.format(spec=named)})
    assert codes(report) == expected
    assert all(item.line == 4 for item in report.findings)


def test_a_task_loses_its_spec_when_another_change_deletes_it(repo: GuardRepo) -> None:
    repo.commit({"tasks/t.md": TASK.format(spec=GOOD), "src/a.py": None})
    assert codes(repo.both_views({GOOD: None})) == ["TASK001"]


def test_a_page_in_tasks_that_is_no_task_is_left_alone(repo: GuardRepo) -> None:
    assert repo.both_views({"tasks/README.md": "# Tasks\n"}).outcome == PASSED


LIBRARY = "tasks/specs/0003-learning-library.md"
RULE = "patterns/codemods/py-x/rule.yml"


def index(version: str, **more: str) -> str:
    versions = {"py-x": version, **more}
    assets = [
        {"id": name, "kind": "codemod", "version": number, "entry": f"codemods/{name}/rule.yml"}
        for name, number in versions.items()
    ]
    return json.dumps({"schema": "pattern-index.v1", "version": "1.0.0", "assets": assets})


@pytest.fixture
def library(repo: GuardRepo) -> GuardRepo:
    library_spec = spec(paths=("patterns/**",), spec_id="0003")
    repo.commit({LIBRARY: library_spec, RULE: "one\n", "patterns/index.json": index("1.0.0")})
    return repo


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.0.1", []),
        ("2.0.0", []),
        ("1.0.0", ["PATTERN001"]),
        ("0.9.9", ["PATTERN001"]),
        ("1.0", ["PATTERN001"]),
    ],
)
def test_a_changed_pattern_has_a_higher_version(
    library: GuardRepo, version: str, expected: list[str]
) -> None:
    report = library.both_views({RULE: "two\n", "patterns/index.json": index(version)})
    assert codes(report) == expected


def test_an_index_of_a_newer_version_is_refused_by_name(library: GuardRepo) -> None:
    newer = index("2.0.0").replace("pattern-index.v1", "pattern-index.v2")
    report = library.both_views({RULE: "two\n", "patterns/index.json": newer})
    (found,) = report.findings
    assert found.rule == "PATTERN001"
    assert "pattern-index.v2" in found.message
    assert "update codex-orchestrator-toolkit" in found.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"version": "1.0.0", "assets": []}', "`schema` is missing"),
        ("[]", "is not a JSON object"),
        ("7", "is not a JSON object"),
        ("NaN", "is not a JSON object"),
    ],
)
def test_an_index_that_is_none_says_what_it_lacks_and_how_to_make_one(
    library: GuardRepo, text: str, words: str
) -> None:
    (found,) = library.both_views({RULE: "two\n", "patterns/index.json": text}).findings
    assert words in found.message
    assert "patterns build" in found.message


def test_a_changed_fixture_of_a_pattern_counts_as_its_content(library: GuardRepo) -> None:
    assert codes(library.both_views({"patterns/codemods/py-x/tests/in.py": "x\n"})) == [
        "PATTERN001"
    ]


@pytest.mark.parametrize(("listed", "expected"), [(True, []), (False, ["PATTERN001"])])
def test_a_new_pattern_is_in_the_index(
    library: GuardRepo, listed: bool, expected: list[str]
) -> None:
    more = {"py-y": "1.0.0"} if listed else {}
    files = {
        "patterns/codemods/py-y/rule.yml": "y\n",
        "patterns/index.json": index("1.0.0", **more),
    }
    assert codes(library.both_views(files)) == expected


def test_a_pattern_may_go_with_its_entry(library: GuardRepo) -> None:
    library.commit({"patterns/index.json": index("1.0.0", **{"py-y": "1.0.0"})})
    library.commit({"patterns/codemods/py-y/rule.yml": "y\n"})
    gone = {"patterns/codemods/py-y/rule.yml": None, "patterns/index.json": index("1.0.0")}
    assert codes(library.both_views(gone)) == []


@pytest.mark.parametrize("text", ["{", "[]", '{"assets": [1]}', "[" * 100_000])
def test_a_broken_index_is_a_finding(library: GuardRepo, text: str) -> None:
    assert codes(library.both_views({RULE: "two\n", "patterns/index.json": text})) == ["PATTERN001"]


@pytest.mark.parametrize(
    "library_spec",
    [
        spec(paths=("other/**",), review=days_ago(31), spec_id="0003"),
        spec(paths=("other/**",), status="draft", spec_id="0003"),
        None,
    ],
    ids=["stale", "draft", "missing"],
)
def test_patterns_change_only_under_the_librarys_own_spec(
    library: GuardRepo, library_spec: str | None
) -> None:
    library.commit({LIBRARY: library_spec})
    report = library.both_views({RULE: "two\n", "patterns/index.json": index("1.1.0")})
    assert codes(report) == ["PATTERN002"]


def test_a_patterns_folder_without_our_index_is_none_of_the_gates_business(
    repo: GuardRepo,
) -> None:
    assert repo.both_views({"patterns/knitting/scarf.md": "k2 p2\n"}).outcome == PASSED


WAIVER = """[guard]
[[guard.waivers]]
path = "app/**"
rule = "SPEC001"
reason = "old code, moves out"
expires = {expires}
"""


@pytest.mark.parametrize("written", ["2026-11-22", '"2026-11-22"'])
def test_a_waiver_turns_a_finding_into_a_note_that_names_it(repo: GuardRepo, written: str) -> None:
    repo.commit({CONFIG: WAIVER.format(expires=written)})
    report = repo.both_views({"app/x.py": "x\n"})
    assert (report.outcome, codes(report, "note")) == (PASSED, ["SPEC001"])
    assert "old code, moves out" in report.findings[0].message


def test_an_expired_waiver_excuses_nothing_and_is_a_finding(repo: GuardRepo) -> None:
    repo.commit({CONFIG: WAIVER.format(expires="2026-11-21")})
    report = repo.both_views({"app/x.py": "x\n"})
    assert codes(report) == ["SPEC001", "WAIVER001"]
    assert [item.line for item in report.findings if item.rule == "WAIVER001"] == [2]


def test_an_expired_waiver_that_nobody_needed_only_warns_until_the_audit(
    repo: GuardRepo,
) -> None:
    repo.commit({CONFIG: WAIVER.format(expires="2026-11-21")})
    report = repo.both_views(CODE)
    assert (report.outcome, codes(report, "warning")) == (PASSED, ["WAIVER001"])
    assert codes(repo.audit()) == ["WAIVER001"]


def test_a_waived_fault_of_a_spec_lets_it_carry_code(repo: GuardRepo) -> None:
    waiver = WAIVER.format(expires="2026-12-01").replace("SPEC001", "SPEC002")
    waiver = waiver.replace("app/**", GOOD)
    repo.commit({CONFIG: waiver, GOOD: spec(review=days_ago(40))})
    assert repo.both_views(CODE).outcome == PASSED


@pytest.mark.parametrize(
    ("rule", "near"),
    [("*", ""), ("SPEC0001", "SPEC001"), ("stale-spec", "SPEC002"), ("spec002", "SPEC002")],
)
@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("[guard]\n[[guard.waivers]]\npath = 'a'\n{}\n", 4),
        ("[guard]\nwaivers = [\n  {{path = 'a', {}}},\n]\n", 2),
    ],
)
def test_a_waiver_of_a_rule_that_does_not_exist_is_a_mistake(
    repo: GuardRepo, rule: str, near: str, form: str, line: int
) -> None:
    rest = "reason = 'r', expires = 2099-01-01"
    written = f"rule = '{rule}', {rest}"
    if line == 4:
        written = written.replace(", ", "\n")
    repo.stage({CONFIG: form.format(written), **CODE})
    with pytest.raises(InputError) as caught:
        repo.staged()
    error = caught.value
    assert (error.path, error.line, error.field) == (CONFIG, line, "guard.waivers.0.rule")
    assert f"there is no rule {rule!r}; did you mean `{near}" in error.message


def test_a_change_may_correct_a_waiver_of_no_rule(repo: GuardRepo) -> None:
    repo.commit({CONFIG: WAIVER.format(expires="2099-01-01").replace("SPEC001", "SPEC1")})
    report = repo.both_views({CONFIG: WAIVER.format(expires="2099-01-01")})
    assert (report.outcome, codes(report, "warning")) == (PASSED, ["GUARD002"])


def test_a_waiver_of_a_rule_of_others_is_taken(
    repo: GuardRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer_rule(tmp_path / "site", monkeypatch)
    waiver = WAIVER.format(expires="2099-01-01").replace("SPEC001", "ACME001")
    waiver = waiver.replace("[guard]\n", '[guard]\nplugins = ["acme"]\n')
    repo.commit({CONFIG: waiver.replace("app/**", "src/**")})
    repo.stage(CODE)
    report = repo.staged(today=date(2026, 11, 27))
    assert codes(report, "note") == ["ACME001"]


def test_a_change_cannot_switch_off_the_guard_that_checks_it(repo: GuardRepo) -> None:
    off = '[guard]\ncode = ["nothing/**"]\nunowned = "ignore"\n'
    report = repo.both_views({CONFIG: off, "app/x.py": "x\n"})
    assert codes(report) == ["SPEC001"]
    assert repo.both_views({"app/x.py": "y\n"}).outcome == PASSED


def test_a_change_that_breaks_the_configuration_is_an_input_error(repo: GuardRepo) -> None:
    base = repo.git("rev-parse", "HEAD")
    repo.stage({CONFIG: "[guard]\nmax_age_day = 3\n"})
    with pytest.raises(InputError, match=r"\.codex-orchestrator\.toml:2: .*`max_age_days`"):
        repo.staged()
    repo.commit()
    with pytest.raises(InputError, match="max_age_day"):
        repo.since(base)


def test_a_change_that_mends_the_configuration_is_checked_under_the_defaults(
    repo: GuardRepo,
) -> None:
    repo.commit({CONFIG: "[guard]\nmax_age_day = 3\n"})
    with pytest.raises(InputError):
        repo.stage({"README.md": "x"}) or repo.staged()
    report = repo.both_views({CONFIG: '[guard]\ncode = ["x/**"]\n', "app/x.py": "x\n"})
    assert (codes(report), codes(report, "warning")) == (["SPEC001"], ["GUARD002"])


def test_the_audit_looks_at_everything(repo: GuardRepo) -> None:
    repo.commit(
        {
            "tasks/specs/0002-old.md": spec(paths=("app/**",), review=days_ago(31)),
            "tasks/specs/0003-odd.md": "no front matter\n",
            "tasks/specs/0004-draft.md": spec(paths=("server/**",), status="draft"),
            "server/s.py": "s\n",
            "tasks/t.md": TASK.format(spec="tasks/specs/none.md"),
        }
    )
    report = repo.audit()
    assert report.outcome == FAILED
    assert codes(report) == ["SPEC002", "SPEC004", "SPEC005", "TASK001"]
    assert report.checked[:2] == (2, 4)


def test_the_audit_finds_unowned_code_when_that_is_an_error(repo: GuardRepo) -> None:
    repo.commit({CONFIG: '[guard]\nunowned = "error"\n', "app/x.py": "x\n"})
    assert [item.path for item in repo.audit().findings] == ["app/x.py"]


def test_the_audit_of_an_older_commit_looks_at_that_commit(repo: GuardRepo) -> None:
    old = repo.git("rev-parse", "HEAD")
    repo.commit({GOOD: spec(review=days_ago(400))})
    from codex_orchestrator.guard.views import RequestedView

    assert repo.guard(RequestedView("all", head=old, is_from_user=True)).outcome == PASSED
    assert repo.audit().outcome == FAILED


def test_every_rule_has_its_own_code_and_all_its_texts() -> None:
    seen = [rule.code for rule in RULES]
    assert len(set(seen)) == len(seen)
    for rule in RULES:
        assert all((rule.name, rule.what, rule.why, rule.fix)), rule.code


def offer_rule(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package that offers the rule ACME001 under the name `acme`."""
    meta = site / "acme_rules-1.0.dist-info"
    meta.mkdir(parents=True)
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-rules\nVersion: 1.0\n")
    (meta / "entry_points.txt").write_text(
        "[codex_orchestrator.guard_rules]\nacme = acme_guard_rules:NoFriday\n"
    )
    (site / "acme_guard_rules.py").write_text(
        "from datetime import date\n"
        "from codex_orchestrator.guard.rules.base import Rule\n"
        "class NoFriday(Rule):\n"
        "    code, name, what, why, fix = 'ACME001', 'no-friday', 'w', 'y', 'wait'\n"
        "    def check(self, case, coverage):\n"
        "        if case.code and date.fromordinal(case.today).weekday() == 4:\n"
        "            yield self.finding(case.code[0].path, 0, 'no code on a Friday')\n"
    )
    monkeypatch.syspath_prepend(str(site))


def test_a_rule_of_others_runs_when_the_configuration_names_it(
    repo: GuardRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer_rule(tmp_path / "site", monkeypatch)
    repo.commit({CONFIG: '[guard]\nplugins = ["acme"]\n'})
    repo.stage(CODE)
    assert codes(repo.staged(today=date(2026, 11, 27))) == ["ACME001"]
    assert codes(repo.staged(today=date(2026, 11, 26))) == []


def test_a_named_plugin_that_is_not_installed_is_not_checked(repo: GuardRepo) -> None:
    repo.commit({CONFIG: '[guard]\nplugins = ["absent"]\n'})
    report = repo.both_views(CODE)
    assert (report.outcome, report.findings[0].rule) == ("not-checked", "GUARD001")
