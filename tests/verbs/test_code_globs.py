"""What of a repository is code: few globs, each with its reason, and never what is no code."""

import resource
import tomllib

import pytest

from codex_orchestrator.text.globs import glob_problem, path_matcher
from codex_orchestrator.verbs.code_globs import MOST_GLOBS, derive_code
from codex_orchestrator.verbs.starter_files import AdapterChoice, config_text

# what a person calls code | what it is not | the globs
LAYOUTS = {
    "the public report": ("pkg/a.py cmd/main.go", "", "cmd/** pkg/**"),
    "a Go module": (
        "main.go internal/db/db.go pkg/api/api.go cmd/tool/main.go",
        (
            "go.mod main_test.go internal/db/db_test.go internal/db/testdata/a.go vendor/x/y.go "
            "docs/gen.go pkg/api/api.pb.go README.md"
        ),
        "*.go cmd/** internal/** pkg/** !**/*.pb.go !**/*_test.go !**/testdata/**",
    ),
    "a flat Python package": (
        "flat/__init__.py flat/deep/core.py",
        (
            "pyproject.toml setup.py conftest.py tests/test_core.py flat/tests/test_deep.py "
            "docs/conf.py flat/README.md noxfile.py"
        ),
        "flat/** !**/*.md !**/tests/**",
    ),
    "Python modules at the top": (
        "six.py six_helpers.py",
        "setup.py test_six.py documentation/conf.py",
        "*.py !**/test_*.py !setup.py",
    ),
    "Python below src": (
        "src/app/__init__.py src/app/build/step.py src/app/testing.py",
        "src/app/v1_pb2.py tests/test_app.py build/lib/app.py",
        "src/** !**/*_pb2.py",
    ),
    "Python below lib": ("lib/thing/a.py lib/thing/b.py", "tests/test_a.py", "lib/**"),
    "a Ruby gem": ("lib/gem.rb lib/gem/part.rb bin/run.rb", "spec/gem_spec.rb", "bin/** lib/**"),
    "Rails": (
        "app/models/user.rb db/migrate/001_users.rb lib/tasks/x.rake",
        "test/models/user_test.rb vendor/gems/x.rb Gemfile config/database.yml",
        "app/** db/** lib/**",
    ),
    "a workspace of npm packages": (
        "packages/a/src/index.ts packages/b/src/view.tsx packages/c/index.js",
        (
            "package.json packages/a/package.json packages/b/package.json packages/c/package.json "
            "packages/a/dist/index.js packages/b/src/view.test.tsx packages/c/jest.config.js "
            "packages/b/node_modules/x/y.js packages/a/tests/a.ts"
        ),
        "packages/*/*.js packages/*/src/** !**/*.config.js !**/*.test.*",
    ),
    "one package of a workspace": (
        "packages/only/src/index.ts",
        "package.json packages/only/package.json",
        "packages/*/src/**",
    ),
    "a Node server": (
        "index.js lib/route.js bin/serve.mjs",
        "package.json .eslintrc.js eslint.config.js test/route.js public/app.min.js",
        "*.js bin/** lib/** !**/*.config.js !**/.*",
    ),
    "a Rust workspace": (
        "src/main.rs crates/one/src/lib.rs crates/two/src/lib.rs",
        (
            "Cargo.toml crates/one/Cargo.toml crates/two/Cargo.toml benches/b.rs "
            "crates/one/tests/t.rs examples/e.rs"
        ),
        "crates/*/src/** src/**",
    ),
    "Maven modules": (
        "core/src/main/java/a/A.java web/src/main/kotlin/a/B.kt",
        "pom.xml core/pom.xml web/pom.xml core/src/test/java/a/ATest.java core/target/A.java",
        "core/src/main/** web/src/main/**",
    ),
    "Gradle with an app": (
        "app/src/main/java/a/A.java",
        "app/build.gradle settings.gradle app/src/test/java/a/B.java",
        "app/src/main/**",
    ),
    "backend and frontend": (
        "backend/app/main.py frontend/src/App.vue migrations/1.sql prisma/migrations/1/up.sql",
        (
            "backend/pyproject.toml frontend/package.json backend/tests/test_main.py "
            "frontend/vite.config.ts frontend/e2e/a.ts frontend/cypress/b.ts"
        ),
        "backend/app/** frontend/src/** migrations/** prisma/**",
    ),
    "programs whose names have no end": (
        "src/adr src/adr-new",
        "README.md src/README.md tests/all.expected doc/a.txt",
        "src/** !**/*.md",
    ),
    "a test framework of its own": (
        "django/__init__.py django/test/client.py django/contrib/gis/geometry.py",
        "tests/a/tests.py pyproject.toml docs/_ext/x.py",
        "django/**",
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_globs_of_a_layout_cover_its_code_and_nothing_else(layout: str) -> None:
    code, rest, globs = (text.split() for text in LAYOUTS[layout])
    found = derive_code([*rest, *code])
    assert [glob for glob, *_ in found] == globs
    is_code = path_matcher([glob for glob, *_ in found])
    assert [path for path in code if not is_code(path)] == []
    assert [path for path in rest if is_code(path)] == []
    assert all(files > 0 and reason.startswith(f"{files} file") for _, files, reason in found)


@pytest.mark.parametrize(
    "name",
    [
        *("sp ace", "[x]", "[!x]", "!not", "ü", 'q"uote', "qu'ote", "back\\slash", "new\nline"),
        *(
            "tab\there",
            "bad\udcffbyte",
            "hid\u202eden",
            "*",
            "**",
            "a]b[c",
            "{a,b}",
            "#",
            "nul\x01",
        ),
    ],
)
def test_a_folder_of_any_name_is_matched_from_a_file_that_holds_the_glob(name: str) -> None:
    path = f"{name}/deep/a.py"
    found = derive_code([path, f"{name}/b.py", "README.md"])
    text = config_text(found, AdapterChoice("none", 'id = "x"'))
    globs = tomllib.loads(text)["guard"]["code"]
    assert [glob_problem(glob) for glob in globs] == [""]
    assert path_matcher(globs)(path)
    assert not path_matcher(globs)("README.md")


def test_a_name_cannot_end_the_comment_that_it_stands_in() -> None:
    text = config_text((), AdapterChoice('x.py\nbranch_prefix = "own/"', 'id = "x"'))
    assert "branch_prefix" not in tomllib.loads(text)


def test_no_code_gives_no_globs() -> None:
    assert derive_code([]) == ()
    assert derive_code(["README.md", "docs/conf.py", "tests/test_a.py", ".github/x.py"]) == ()


def test_folders_without_end_are_looked_through() -> None:
    path = "deep/" * 2000 + "a.py"
    found = derive_code([path, "top.py"])
    assert path_matcher([glob for glob, *_ in found])(path)


def test_too_many_folders_give_one_glob_a_language() -> None:
    paths = [f"top{number}/a.go" for number in range(MOST_GLOBS + 1)]
    assert [glob for glob, *_ in derive_code([*paths, "top1/a_test.go"])] == [
        "**/*.go",
        "!**/*_test.go",
    ]


def test_a_hundred_thousand_files_take_little_memory_and_time() -> None:
    """Bounds on the processor's time and on memory: they hold on a busy machine, too."""
    paths = [
        f"packages/p{number % 400}/src/m{number % 97}/f{number}.ts" for number in range(100_000)
    ]
    before = resource.getrusage(resource.RUSAGE_SELF)
    found = derive_code(paths)
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert [glob for glob, *_ in found] == ["packages/**"]
    assert after.ru_maxrss - before.ru_maxrss < 200 * 1024
