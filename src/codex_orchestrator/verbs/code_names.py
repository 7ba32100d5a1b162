"""What names of files and folders mean by themselves: which language, and what is no code."""

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
LANGUAGE_OF = {
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
NEVER_NAMED = {
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
