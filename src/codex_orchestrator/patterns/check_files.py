"""The files that decide what checks say: tests, and what they compare with."""

import re

from codex_orchestrator.patterns.check_settings import is_settings_file

_JS = r"\.[cm]?[jt]sx?"
# What the runners collect by themselves, and the folders and files that hold helpers of tests.
_TEST_FILE = re.compile(
    r"(?:.*/)?(?:(?i:tests?)/(?:.*/)?[^/]+\.(?:py|java)|[^/]*_tests?\.py|conftest\.py"
    r"|test(?!(?:ing|ers?|imon(?:y|ials?)|ament)\.)[^/]*\.py|features/environment\.py"
    rf"|features/(?:[^/]+/)?(?:steps|step_definitions|support)/(?:.*/)?[^/]+(?:\.py|{_JS})"
    rf"|(?i:__tests__|__mocks__|tests?|specs?|e2e|cypress)/(?:.*/)?[^/]+{_JS}"
    rf"|(?:[^/]+(?:[._-](?:tests?|spec|cy)|Spec|Test)|tests?|test[-_.][^/]+){_JS}"
    rf"|(?:setup[-_.]?(?i:tests?|jest|vitest)|test[sS]etup){_JS}"
    r"|[^/]+_test\.go|(?:testutils?|testing|testhelpers?|internal/test[^/]*)/(?:.*/)?[^/]+\.go"
    r"|(?:(?i:tests)/(?:.*/)?[^/]+|tests?|[^/]+_tests?)\.rs"
    r"|src/\w+Test/(?:.*/)?[^/]+\.java|(?:Test[^/]*|[^/]+(?:Tests?|TestCase|IT|ITCase))\.java)"
)
_SNAPSHOT = re.compile(
    r"(?:.*/)?(?:(?:__snapshots__|__image_snapshots__|snapshots|goldens?|cassettes|baselines)/.+"
    r"|testdata/(?!.*\.go$)(?!(?:.*/)?README[^/]*$).+"
    r"|[^/]+\.(?:snap|snap\.new|ambr|golden|expected|stderr|stdout)"
    r"|[^/]+\.(?:approved|verified|expected)\.[^/]+)"
)
_BESIDE_TESTS = re.compile(r"(?:.*/)?(?i:tests?|__tests__|spec/(?:fixtures|support))/.+")
_CODE_OR_TEXT = re.compile(
    rf".+(?:{_JS}|\.(?:py[ix]?|go|rs|java|kts?|groovy|gradle|scala|rb|php|cs|swift|c|cc|cpp|h|hpp"
    r"|vue|svelte|lua|pl|exs?|sh|bash|zsh|fish|ps1|bat|cmd|mk|md|rst|adoc))|(?:.*/)?README[^/]*"
)
_DATA_FOLDER = re.compile(r"(?:.*/)?(?i:fixtures?|resources|data)/.+")
_MANIFEST = re.compile(
    r"(?:.*/)?(?:[^/]*requirements[^/]*\.txt|[^/]+\.(?:lock|sum)|package-lock\.json|pnpm-lock\.yaml"
    r"|[tj]sconfig[^/]*\.json|\.git\w+|\.dockerignore|Dockerfile[^/]*|(?:docker-)?compose[^/]*\.ya?ml"
    r"|py\.typed|CMakeLists\.txt|BUILD(?:\.bazel)?|CODEOWNERS)"
)


def is_test_file(path: str) -> bool:
    """Say by its name whether a file holds tests or their helpers.

    Rust keeps tests in any file, which only its content tells: `weakened_tests` reads each.
    """
    return _TEST_FILE.fullmatch(path) is not None


def is_snapshot(path: str) -> bool:
    """Say whether tests compare with a file, so that rewriting it makes a failing test pass.

    What lies beside tests and is no code, text for people or list of dependencies may be compared.
    """
    if _SNAPSHOT.fullmatch(path):
        return True
    if not _BESIDE_TESTS.fullmatch(path) or _CODE_OR_TEXT.fullmatch(path):
        return False
    is_data = _DATA_FOLDER.fullmatch(path) is not None
    return is_data or not (_MANIFEST.fullmatch(path) or is_settings_file(path))
