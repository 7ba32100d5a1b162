"""What the names of files and folders say: which language, and what is no code."""

import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from codex_orchestrator.text.globs import to_regex

_LANGUAGES = {
    "Python": "py pyx pyi",
    "notebooks": "ipynb",
    "Go": "go",
    "Rust": "rs",
    "Java": "java",
    "Kotlin": "kt kts",
    "Scala": "scala",
    "Groovy": "groovy",
    "JavaScript": "js jsx mjs cjs vue svelte astro",
    "TypeScript": "ts tsx mts cts",
    "Ruby": "rb rake",
    "PHP": "php",
    "C": "c h",
    "C++": "cc cpp cxx hh hpp hxx",
    "C#": "cs",
    "F#": "fs",
    "Swift": "swift",
    "Objective-C": "m mm",
    "Elixir": "ex exs",
    "Erlang": "erl",
    "Haskell": "hs",
    "OCaml": "ml mli",
    "Clojure": "clj cljs cljc",
    "Lua": "lua",
    "Julia": "jl",
    "R": "r R",
    "Dart": "dart",
    "Perl": "pl pm",
    "Zig": "zig",
    "Nim": "nim",
    "SQL": "sql",
    "Shell": "sh bash",
    "Protocol Buffers": "proto",
    "Terraform": "tf",
}
_LANGUAGE_OF = {
    suffix: language for language, suffixes in _LANGUAGES.items() for suffix in suffixes.split()
}
PROJECT_FILES = frozenset(
    [
        *("pyproject.toml", "setup.py", "package.json", "go.mod", "Cargo.toml", "pom.xml"),
        *("build.gradle", "build.gradle.kts", "composer.json", "mix.exs", "Package.swift"),
    ]
)
# All of such a folder is code, also where its files lie in folders of their own.
CODE_FOLDERS = frozenset(
    [
        *("src", "source", "Sources", "lib", "libs", "app", "server", "client", "cmd", "pkg"),
        *("internal", "api", "core", "include", "migrations", "migrate"),
    ]
)
# Holds packages that look alike: the next one shall be guarded too.
CONTAINERS = frozenset(
    ["packages", "crates", "apps", "services", "modules", "plugins", "projects", "libs"]
)
NEVER = {
    **dict.fromkeys(("vendor", "third_party", "third-party", "bower_components"), "vendored"),
    **dict.fromkeys(("node_modules", "site-packages", "_vendor", "Godeps"), "vendored"),
    **dict.fromkeys(("tests", "__tests__", "testdata", "__mocks__", "__fixtures__"), "tests"),
    **dict.fromkeys(("__pycache__",), "build output"),
    **dict.fromkeys(("generated", "__generated__"), "generated"),
}
# What such a folder holds is certain only beside the project's file.
NEVER_AT_THE_TOP = {
    **dict.fromkeys(("docs", "doc", "documentation", "examples", "example"), "documents"),
    **dict.fromkeys(("samples", "sample", "demo", "demos", "tutorials"), "documents"),
    **dict.fromkeys(("dist", "build", "out", "target", "obj", "coverage"), "build output"),
    **dict.fromkeys(("gen",), "generated"),
    **dict.fromkeys(("test", "spec", "specs", "e2e", "cypress", "fixtures"), "tests"),
    **dict.fromkeys(("bench", "benches", "benchmark", "benchmarks"), "tests"),
    **dict.fromkeys(("extern", "external", "deps"), "vendored"),
}
# Elsewhere such a folder holds tests only if one of its files is named like a test.
PERHAPS_TESTS = frozenset(["test", "spec", "specs", "e2e"])
_NEVER_NAMED = {
    "tests": (
        "test_*.py *_test.py tests.py conftest.py *_test.go *.test.* *.spec.* test.js test.mjs "
        "test.cjs test.ts *_spec.rb *_test.rb *Test.java *Tests.java *Test.kt *Test.php *Tests.cs "
        "*Tests.swift *_test.exs *_test.cc *_test.cpp *_test.dart *_test.rs"
    ),
    "generated": (
        "*_pb2.py *_pb2.pyi *_pb2_grpc.py *.pb.go *.pb.gw.go *.pb.h *.pb.cc *.gen.go "
        "*.generated.* *_generated.* zz_generated* *.min.js *.bundle.js *.g.dart *.freezed.dart"
    ),
    "settings of tools": (
        ".* *.config.js *.config.ts *.config.mjs *.config.cjs *.conf.js gulpfile.js Gruntfile.js "
        "noxfile.py"
    ),
    "documents": "*.md *.rst",
}
SETTINGS_AT_THE_TOP = frozenset(["setup.py"])


class KnownFile(NamedTuple):
    """A file: its path, and its language if it is code; else the glob of its name, and why not."""

    path: str
    language: str
    why: tuple[str, str] | None

    @property
    def name(self) -> str:
        """The name without its folders."""
        return self.path.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """The end of the name from its last dot; "" when it has none, or begins with it."""
        stem, dot, suffix = self.name.rpartition(".")
        return f".{suffix}" if dot and stem else ""

    @property
    def is_test(self) -> bool:
        """Whether the name is that of a test."""
        return self.why is not None and self.why[1] == "tests"


def know(path: str) -> KnownFile:
    """Return what the name of a file says."""
    file = KnownFile(path, "", None)
    match, named = _never_named(file.suffix)
    if found := match(file.name):
        return file._replace(why=named[(found.lastindex or 1) - 1])
    return file._replace(language=_LANGUAGE_OF.get(file.suffix[1:], ""))


@cache
def _never_named(
    suffix: str,
) -> tuple[Callable[[str], re.Match[str] | None], list[tuple[str, str]]]:
    """Return a matcher for names with a suffix, each group for one glob, and those globs."""
    ends = (suffix, "*", ".*") if suffix else ("*",)
    named = [
        (glob, why)
        for why, globs in _NEVER_NAMED.items()
        for glob in globs.split()
        if glob.endswith(ends) or "." not in glob
    ]
    return re.compile("|".join(f"({to_regex(glob)})" for glob, _ in named)).fullmatch, named
