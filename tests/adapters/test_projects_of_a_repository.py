"""Several projects in one repository: which are found, and what their checks are called."""

import json
from pathlib import Path

import pytest

from codex_orchestrator.adapters.choose import LanguageAdapters
from codex_orchestrator.adapters.neighbours import outside_used
from codex_orchestrator.adapters.projects import MOST_PROJECTS, find_projects
from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.config import Config, parse_config
from codex_orchestrator.model.config_file import ConfigTable, parse_table
from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.pipeline.touched import needed_checks
from support.pattern_files import write_files

PYTHON = {"pyproject.toml": "[project]\nname = 'x'\n", "tests/test_a.py": "import unittest\n"}
SCRIPT = '{"scripts": {"test": "node --test"}}'
CRATE = "[package]\nname = 'a'\n"


def below(folder: str, files: dict[str, str]) -> dict[str, str]:
    return {f"{folder}/{name}": text for name, text in files.items()}


def found(root: Path) -> list[tuple[str, str]]:
    return [(one.folder, one.adapter.id) for one in find_projects(root)]


def table(text: str) -> ConfigTable:
    parsed = parse_table(text.encode(), name="pyproject.toml")
    assert parsed is not None
    return parsed


def adapters_of(root: Path, text: str = "") -> LanguageAdapters:
    parsed = table(f"[tool.codex-orchestrator]\n{text}")
    return LanguageAdapters(parse_config(parsed).adapter, repo=root, table=parsed)


@pytest.mark.parametrize(
    ("files", "projects"),
    [
        (below("backend/api", {"go.mod": "module x\n", "a_test.go": ""}), [("backend/api", "go")]),
        (PYTHON | {"frontend/package.json": SCRIPT}, [(".", "python"), ("frontend", "node")]),
        (PYTHON | {"package.json": SCRIPT}, [(".", "python"), (".", "node")]),
        (
            {"tests/test_a.py": "", "a.py": "", "web/package.json": SCRIPT},
            [(".", "python"), ("web", "node")],
        ),
        # What only builds, or is an example, is nothing to test while there are tests elsewhere.
        ({"scripts/build.py": "", "web/package.json": SCRIPT}, [("web", "node")]),
        (PYTHON | below("examples/a", PYTHON), [(".", "python")]),
        (PYTHON | {"tools/package.json": '{"scripts": {"build": "tsc"}}'}, [(".", "python")]),
        (PYTHON | {"package.json": '{"scripts": {"lint": "eslint ."}}'}, [(".", "python")]),
        # The first test of a repository has to come from somewhere.
        ({"web/package.json": '{"scripts": {"build": "tsc"}}'}, [("web", "node")]),
        ({"package.json": "{}", "tools/step.py": ""}, [(".", "node")]),
        ({"package.json": "{}", "tests/test_a.py": ""}, [(".", "python")]),
        ({"package.json": "{}", "setup.py": ""}, [(".", "python")]),
        ({"svc/go.mod": "module x\n", "svc/a.go": ""}, [("svc", "go")]),
        ({"deno.json": "{}", "a_test.ts": ""}, [(".", "node")]),
        ({"settings.gradle.kts": "", "app/build.gradle.kts": ""}, [(".", "gradle")]),
    ],
)
def test_all_projects_of_a_repository_are_found(
    tmp_path: Path, files: dict[str, str], projects: list[tuple[str, str]]
) -> None:
    write_files(tmp_path, files)
    assert found(tmp_path) == projects
    assert all(one.reason for one in find_projects(tmp_path))


@pytest.mark.parametrize(
    ("top", "member", "other"),
    [
        ({"package.json": '{"workspaces": ["./packages/*/"]}'}, {"package.json": SCRIPT}, "apps/b"),
        (
            {"package.json": "{}", "pnpm-workspace.yaml": "packages:\n  - 'packages/*'  # all\n"},
            {"package.json": SCRIPT},
            "apps/b",
        ),
        (
            {"Cargo.toml": "[workspace]\nmembers = ['packages/*']\nexclude = ['apps']\n"},
            {"Cargo.toml": CRATE, "src/lib.rs": ""},
            "apps/b",
        ),
        (
            {"pom.xml": "<project><modules><module>packages/a</module></modules></project>"},
            {"pom.xml": "<project/>", "src/test/java/ATest.java": ""},
            "apps/b",
        ),
        (
            {"go.work": "go 1.24\nuse (\n\t./packages/a\n)\n"},
            {"go.mod": "module x\n", "a_test.go": ""},
            "apps/b",
        ),
    ],
    ids=["npm", "pnpm", "cargo", "maven", "go"],
)
def test_the_members_of_a_workspace_are_one_project_and_others_are_not(
    tmp_path: Path, top: dict[str, str], member: dict[str, str], other: str
) -> None:
    write_files(tmp_path, top | below("packages/a", member) | below(other, member))
    assert [folder for folder, _ in found(tmp_path)] == [".", other]


def test_the_modules_of_a_go_workspace_are_tested_where_they_lie(tmp_path: Path) -> None:
    module = {"go.mod": "module x\n", "a_test.go": ""}
    files = {"go.work": "go 1.24\nuse ./a\nuse ./b // it\n"} | below("a", module)
    write_files(tmp_path, files | below("b", module))
    _, commands = adapters_of(tmp_path).commands(tmp_path, wanted=None, checks=[])
    assert commands["test"].recorded == ("go", "test", "./a/...", "./b/...")


def test_more_projects_than_anyone_reads_are_an_error_that_asks_for_names(tmp_path: Path) -> None:
    module = {"go.mod": "module x\n", "a_test.go": ""}
    for number in range(MOST_PROJECTS + 1):
        write_files(tmp_path, below(f"m{number}", module))
    with pytest.raises(InputError, match=f"more than {MOST_PROJECTS}"):
        find_projects(tmp_path)


def test_checks_have_plain_names_at_the_top_and_the_folder_in_theirs_elsewhere(
    tmp_path: Path,
) -> None:
    write_files(tmp_path, PYTHON | {"web/package.json": SCRIPT, "web/a.py": ""})
    entries = """
        [[tool.codex-orchestrator.adapter]]
        [[tool.codex-orchestrator.adapter]]
        path = "web/"
        id = "node"
        when = "always"
        [[tool.codex-orchestrator.adapter]]
        path = "./web"
        id = "python"
    """
    adapters = adapters_of(tmp_path, entries)
    _, commands = adapters.commands(tmp_path, wanted=None, checks=["test"])
    assert [*commands] == ["test", "test@web:node", "test@web:python"]
    assert [one.kind for one in commands.values()] == ["test"] * 3
    assert [one.runs_always for one in commands.values()] == [False, True, False]
    ids, chosen = adapters.commands(tmp_path, wanted="node", checks=["test"])
    assert (ids, [*chosen]) == ("node", ["test", "test@web"])


@pytest.mark.parametrize(
    ("entry", "line", "field", "problem"),
    [
        ('path = "../x"', 5, "adapter.1.path", "leaves the repository"),
        ('path = "/x"', 5, "adapter.1.path", "is absolute"),
        ('path = ""', 5, "adapter.1.path", "is empty"),
        ('path = "a/.git/b"', 5, "adapter.1.path", "enters .git"),
        ('when = "sometimes"', 5, "adapter.1.when", "'touched' or 'always'"),
        ('paht = "x"', 5, "adapter.1.paht", "did you mean `path`"),
        ('id = "go"\npath = "./api"', 6, "adapter.1.path", "a second adapter go for the folder"),
    ],
)
def test_a_wrong_entry_names_file_line_and_field(
    entry: str, line: int, field: str, problem: str
) -> None:
    head = "[[tool.codex-orchestrator.adapter]]\n"
    text = f'{head}path = "api"\nid = "go"\n{head}{entry}\n'
    with pytest.raises(InputError) as caught:
        parse_config(table(text))
    error = caught.value
    assert (error.path, error.line, error.field) == ("pyproject.toml", line, field)
    assert problem in error.message


def test_a_plain_table_names_its_field_without_a_number() -> None:
    with pytest.raises(InputError) as caught:
        parse_config(table('[tool.codex-orchestrator.adapter]\nid = "go"\nreport = "tap"\n'))
    assert (caught.value.line, caught.value.field) == (3, "adapter.report")
    assert parse_config(table("[tool.codex-orchestrator.adapter]\nid = 'go'\n")) == Config(
        adapter=({"id": "go"},)  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("path", ["nowhere", "link", "link/inner", "file"])
def test_a_folder_that_is_not_in_the_base_or_behind_a_link_is_wrong_input(
    tmp_path: Path, path: str
) -> None:
    root = write_files(tmp_path / "tree", {"file": ""})
    write_files(tmp_path / "elsewhere", {"inner/go.mod": "module x\n"})
    (root / "link").symlink_to(tmp_path / "elsewhere")
    head = "[[tool.codex-orchestrator.adapter]]\n"
    adapters = adapters_of(root, f'{head}path = "."\nid = "go"\n{head}path = "{path}"\n')
    with pytest.raises(InputError) as caught:
        adapters.choose(root)
    assert (caught.value.field, caught.value.line) == ("adapter.1.path", 6)
    assert caught.value.fix


def test_a_project_that_misses_a_tool_is_in_the_way_of_itself_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, PYTHON | {"web/package.json": SCRIPT, "web/pnpm-lock.yaml": ""})
    monkeypatch.setenv("PATH", str(tmp_path / "no-programs"))
    _, commands = adapters_of(tmp_path).commands(tmp_path, wanted=None, checks=["test"])
    assert commands["test"].obstacle == ""
    assert "`test` needs pnpm" in commands["test@web"].obstacle
    assert "corepack enable pnpm" in commands["test@web"].obstacle
    always = (
        '[[tool.codex-orchestrator.adapter]]\n[[tool.codex-orchestrator.adapter]]\npath="web"\n'
    )
    with pytest.raises(NotCheckedError, match="needs pnpm"):
        adapters_of(tmp_path, f'{always}when="always"\n').commands(
            tmp_path, wanted=None, checks=["test"]
        )


def test_a_package_json_of_50_mb_is_named_and_not_read(tmp_path: Path) -> None:
    write_files(tmp_path, {"package.json": "", "web/package.json": ""} | below("api", PYTHON))
    for place in ("package.json", "web/package.json"):
        with (tmp_path / place).open("wb") as file:
            file.truncate(50_000_000)
    with pytest.raises(InputError, match="50000000 bytes, the limit is") as caught:
        find_projects(tmp_path)
    assert caught.value.path == "package.json"
    (tmp_path / "package.json").unlink()
    _, commands = adapters_of(tmp_path).commands(tmp_path, wanted=None, checks=["test"])
    assert "the limit is" in commands["test@web"].obstacle
    assert commands["test@api"].obstacle == ""


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("tests/test_a.py::test_b[x::y]", "a/b/tests/test_a.py::test_b[x::y]"),
        ("t.test.mjs > brews > hot", "a/b/t.test.mjs > brews > hot"),
        ("src/lib.rs - tea::brew", "a/b/src/lib.rs - tea::brew"),
        ("src/main.rs (tea)::brews", "a/b/src/main.rs (tea)::brews"),
        # What begins with no file keeps its own name whole.
        ("test_a.T.test_b", "a/b::test_a.T.test_b"),
        ("ex.com/tea::TestB/c.py", "a/b::ex.com/tea::TestB/c.py"),
        ("app::p.ATest::ok", "a/b::app::p.ATest::ok"),
    ],
)
def test_the_name_of_a_test_begins_with_its_folder(tmp_path: Path, name: str, shown: str) -> None:
    logs = write_files(tmp_path, {"r.jsonl": '{"schema": "test-report.v1"}\n'})
    lines = [{"test": name, "outcome": "passed"}, {"end": True}]
    with (logs / "r.jsonl").open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    command = CheckCommand(name="test@a/b", argv=("x",), folder="a/b", report="lines:r.jsonl")
    suite = LanguageAdapters([], repo=tmp_path).tests(command, logs)
    assert suite is not None
    assert [*suite.outcomes] == [shown]


def checks(*places: str, always: str = "") -> list[CheckCommand]:
    return [
        CheckCommand(name=f"test@{one}", argv=("x",), folder=one, runs_always=one == always)
        for one in places
    ]


@pytest.mark.parametrize(
    ("paths", "needed"),
    [
        (["api/a.go"], ["api"]),
        (["api/a.go", "web/b.js"], ["api", "web"]),
        (["api/a.go", "README.md"], ["api"]),
        # What lies outside of all folders may matter to each.
        (["api/a.go", "shared/config.json"], ["api", "web", "web-2"]),
        (["README.md"], ["api", "web", "web-2"]),
        (["web-2/a.js"], ["web-2"]),
        ([], ["api", "web", "web-2"]),
    ],
)
def test_only_the_checks_of_touched_folders_are_needed(paths: list[str], needed: list[str]) -> None:
    found = needed_checks(checks("api", "web", "web-2"), paths)
    assert [check.folder for check in found] == needed


def test_a_check_that_always_runs_is_needed_whatever_is_touched() -> None:
    assert len(needed_checks(checks("api", "web", always="web"), ["api/a.go"])) == 2
    assert len(needed_checks(checks(".", "web"), ["web/a.js"])) == 2


USERS = {
    "package.json": '{"dependencies": {"lib": "file:../lib"}}',
    "go.mod": "module api\n\nrequire lib v0.0.0\n\nreplace lib => ../lib\n",
    "Cargo.toml": '[dependencies]\nlib = { path = "../lib" }\n',
    "requirements.txt": "-e ../lib\n",
    "pyproject.toml": '[tool.uv.sources]\nlib = { path = "../lib", editable = true }\n',
    "pom.xml": "<project><parent><relativePath>../lib/pom.xml</relativePath></parent></project>",
    "src/a.ts": "import { b } from '../../lib/src/b';\n",
    "settings.gradle": "includeBuild '../lib'\n",
}


@pytest.mark.parametrize("name", sorted(USERS))
def test_a_project_uses_what_its_files_name_outside_of_its_folder(
    tmp_path: Path, name: str
) -> None:
    write_files(tmp_path, {f"api/{name}": USERS[name], "api/tests/a.txt": "../../web"})
    [used] = outside_used(tmp_path, "api")
    assert used.startswith("lib")


@pytest.mark.parametrize(
    "text", ["{}", '{"main": "./src/../a.js"}', '{"up": "../../beyond"}', '{"a": "x../y"}']
)
def test_a_path_that_stays_inside_or_leaves_the_repository_is_no_use(
    tmp_path: Path, text: str
) -> None:
    write_files(tmp_path, {"api/package.json": text})
    assert outside_used(tmp_path, "api") == ()


def test_a_project_that_names_the_top_uses_everything(tmp_path: Path) -> None:
    write_files(tmp_path, {"api/jest.config.js": "module.exports = { rootDir: '..' };"})
    assert outside_used(tmp_path, "api") == (".",)
    [check] = [one.model_copy(update={"uses": (".",)}) for one in checks("api")]
    assert check in needed_checks([check, *checks("web")], ["web/b.js"])


@pytest.mark.parametrize(
    ("path", "needed"),
    [
        ("lib/a.go", {"lib", "api", "app"}),
        ("api/a.go", {"api", "app"}),
        ("app/a.go", {"app"}),
        ("web/a.js", {"web"}),
    ],
)
def test_who_uses_a_touched_project_is_touched_too_also_through_others(
    path: str, needed: set[str]
) -> None:
    uses = {"api": ("lib",), "app": ("api/src",)}
    found = [
        one.model_copy(update={"uses": uses.get(one.folder, ())})
        for one in checks("api", "app", "lib", "web")
    ]
    assert {one.folder for one in needed_checks(found, [path])} == needed
