"""What the change does to the tests: findings about tests lost, weakened, flaky or promised."""

import posixpath
from collections.abc import Iterator

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.finding import Finding, Severity
from codex_orchestrator.model.suite_run import is_allowed
from codex_orchestrator.patterns.check_files import is_snapshot, is_test_file
from codex_orchestrator.patterns.check_settings import changed_settings, is_settings_file
from codex_orchestrator.patterns.dialects import DIALECTS
from codex_orchestrator.patterns.languages import language_of
from codex_orchestrator.patterns.named_files import READ_BY_PROGRAM, files_named, imports_of
from codex_orchestrator.patterns.test_code import is_unread_test, lost_examples
from codex_orchestrator.patterns.weakened import weakened_tests
from codex_orchestrator.pipeline.replaced_code import hidden_by
from codex_orchestrator.pipeline.run import Run
from codex_orchestrator.text.names import path_problem

_MOST = 20
_MOST_SCRIPTS = 200
_MAX_SCRIPT = 256 * 1024
_HOW = (
    "restore it; where it is meant, name it in the task's tests.may_change, or let a person "
    "grant it: --approve"
)


def test_files_of(run: Run) -> tuple[str, ...]:
    """Return the changed files that tests consist of."""
    paths = run.tree.change().paths
    return tuple(path for path in paths if is_test_file(path) or is_snapshot(path))


def _content(run: Run, commit: str, path: str) -> bytes | None:
    """Return a file's bytes in a commit or tree, None for no file.

    What is no file that can be read, such as a link, differs from everything else.
    """
    workspace = run.services.rooms.workspace
    try:
        data = workspace.file_at(commit, path)
    except InputError:
        data = None
    if data is None and workspace.holds(commit, path):
        return f"\0 {commit}".encode()
    return data


def settings_of_base(run: Run, tested: str) -> dict[str, str]:
    """Return the changed files that decide which tests run, and what of them changed.

    Files that a person lets the change decide on are left out.
    """
    base_sha, found = run.tree.base_sha, {}
    suites = [suite for check in run.base.runs for suite in run.base.suites(check)]
    if suites and not any(suite.executed for suite in suites):
        return {}  # there is no test yet that the change could silence
    named = _named(run)
    checks = {*run.task.checks, *(word for command in run.checks for word in command.argv)}
    for path in run.tree.change().paths:
        by = named.get(path, "")
        if _is_granted(run, path) or (path in READ_BY_PROGRAM and not by):
            continue
        what = f"the file that {by} names" if by else ""
        if is_settings_file(path):
            before, after = _content(run, base_sha, path), _content(run, tested, path)
            what = changed_settings(path, before, after, checks=checks)
        if what:
            found[path] = what
    return found


def _is_granted(run: Run, path: str) -> bool:
    return run.policy.is_granted_edit(path) or is_allowed(path, run.policy.approved_tests)


def _named(run: Run) -> dict[str, str]:
    """Return the files of the base that say how its checks run, each with what names it.

    That begins with the commands of the checks. Code that something imports is the product.
    """
    base_sha, workspace = run.tree.base_sha, run.services.rooms.workspace
    held = workspace.paths_at(base_sha)
    texts = [(command.folder, "", " ".join(command.argv)) for command in run.checks]
    found: dict[str, str] = {}
    while texts and len(found) < _MOST_SCRIPTS:
        folder, source, text = texts.pop()
        for named in files_named(text, path=source):
            name = posixpath.normpath(f"{folder}/{named.path}")
            if name in found or name not in held or path_problem(name) or is_test_file(name):
                continue
            if named.is_code and workspace.texts_at(base_sha, imports_of(named.path)):
                continue
            found[name] = source or "the command of a check"
            content = _content(run, base_sha, name) or b""
            texts.append((folder, name, content[:_MAX_SCRIPT].decode("utf-8", "replace")))
    return found


def find_test_changes(run: Run) -> Iterator[Finding]:
    """Find what the change did to tests that nobody allowed."""
    yield from _lost(run)
    yield from _weakened(run)
    for path, what in run.settings.items():
        message = f"{what} decides which tests run and was changed; the checks ran with the base's"
        yield _error("run/test-settings-changed", path, message, f"{_HOW} tests:{path}")
    yield from _plugins(run)
    yield from _replaced(run)
    yield from _flaky(run)
    yield from _promises(run)


def _lost(run: Run) -> Iterator[Finding]:
    for check, change in run.compared.items():
        allowed = run.policy.approved_tests
        names = {name: _with_file(run, name) for name in change.lost[:_MOST_SCRIPTS]}
        names |= dict.fromkeys(change.lost[_MOST_SCRIPTS:], "")
        lost = [
            name
            for name, full in names.items()
            if not (is_allowed(name, allowed) or is_allowed(full, allowed))
        ]
        for name in lost[:_MOST]:
            message = f"the check {check} executed {name} at the base, and does not execute it now"
            path = _file_of(names[name] or name)
            yield _error("run/test-lost", path, message, f"{_HOW} tests:{names[name] or name}")
        if len(lost) > _MOST:
            message = f"{len(lost) - _MOST} more tests of {check} are not executed any more"
            yield _error("run/test-lost", "", message, _HOW)


def _with_file(run: Run, name: str) -> str:
    """Return a test's name with the file of the base that it is in, as unittest leaves it out."""
    folder, mark, dotted = name.rpartition("::")
    is_of_check = not mark or folder in {command.folder for command in run.checks}
    parts = dotted.split(".")
    if "/" in dotted or " > " in dotted or not is_of_check:
        return name
    for below in ("", "tests/", "test/"):
        for end in range(len(parts) - 1, 0, -1):
            path = f"{folder}/{below}{'/'.join(parts[:end])}.py".removeprefix("/")
            if not path_problem(path) and _content(run, run.tree.base_sha, path) is not None:
                return "::".join([path, *parts[end:]])
    return name


def _weakened(run: Run) -> Iterator[Finding]:
    allowed = run.policy.approved_tests
    tested = run.record.manifest.run.tested
    suites = [suite for check in run.base.runs for suite in run.base.suites(check)]
    names = {name for suite in suites for name in suite.outcomes}
    # An example in documentation has the name of what it belongs to, which is dotted in Python.
    dotted = {n for n in names if "." in n.partition("::")[2].partition("[")[0]}
    documented = {_file_of(name) for name in dotted} | {name.partition(" - ")[0] for name in names}
    ran = {_file_of(name) for name in names - dotted}
    for path in run.tree.change().paths:
        is_expected = is_snapshot(path)
        # What a file imports may show that it holds helpers of tests; in Rust any may hold tests.
        if not (is_expected or language_of(path) in DIALECTS or is_unread_test(path)):
            continue
        before, after = _content(run, run.tree.base_sha, path), _content(run, tested, path)
        if is_expected and before is not None and not is_allowed(path, allowed):
            message = "a result that tests compare with was rewritten"
            yield _error("run/snapshot-rewritten", path, message, f"{_HOW} tests:{path}")
        if is_unread_test(path) and before is not None and not is_allowed(path, allowed):
            became = "changed" if after is not None else "deleted"
            message = f"a test whose language is not read was {became}"
            yield _error("run/test-weakened", path, message, f"{_HOW} tests:{path}")
        weak = weakened_tests(path, before, after, holds_tests=path in ran)
        lost = lost_examples(path, before, after) if path in documented else ""
        if lost and not is_allowed(path, allowed):
            yield _error("run/test-weakened", path, lost, f"{_HOW} tests:{path}")
        left = [found for found in weak if not is_allowed(found.test, allowed)]
        for found in left[:_MOST]:
            message, fix = f"{found.test}: {found.message}", f"{_HOW} tests:{found.test}"
            yield Finding("run/test-weakened", Severity.ERROR, path, found.line, message, fix)
        if len(left) > _MOST:
            message = f"{len(left) - _MOST} more tests of this file were weakened"
            yield _error("run/test-weakened", path, message, _HOW)


def _plugins(run: Run) -> Iterator[Finding]:
    for path in run.tree.change().paths:
        # A file may be an archive of modules.
        is_plugin = any(f"{file}/".startswith(f"{path}/") for file in run.plugins)
        if is_plugin and path not in run.settings and not _is_granted(run, path):
            message = "it hooks into pytest, so it can decide what tests say"
            yield _error("run/test-settings-changed", path, message, f"{_HOW} tests:{path}")


def _replaced(run: Run) -> Iterator[Finding]:
    base_sha, tested = run.tree.base_sha, run.record.manifest.run.tested
    found = dict(run.replaced)
    for path in run.tree.change().paths:
        hidden = list(hidden_by(path))
        if hidden and _content(run, base_sha, path) is None:
            hidden = [old for old in hidden if _content(run, base_sha, old) is not None]
            found |= dict.fromkeys([path] if hidden else [], "".join(hidden[:1]))
    for path, old in found.items():
        if not _is_granted(run, path) and _content(run, tested, old) is not None:
            message = f"it is loaded in place of {old}, which is still there"
            yield _error("run/code-replaced", path, message, f"{_HOW} tests:{path}")


def _flaky(run: Run) -> Iterator[Finding]:
    for check, change in run.compared.items():
        for name in change.flaky[:_MOST]:
            is_new = name in change.flaky_now
            where = "with the change only" if is_new else "at the base too"
            yield Finding(
                "run/flaky-test",
                Severity.WARNING if is_new else Severity.NOTE,
                _file_of(name),
                0,
                f"{name} fails and passes on the same tree, {where} ({check})",
                "make it independent of time, order and chance",
            )


def _promises(run: Run) -> Iterator[Finding]:
    wanted, promises = run.task.tests, run.record.manifest.promises
    for test in promises:
        if (test.at_base, test.at_head) != ("failed", "passed"):
            message = (
                f"{test.name} had to go from red to green; at the base it {_became(test.at_base)}, "
                f"with the change it {_became(test.at_head)}"
            )
            fix = "write the test so that it fails without the change and passes with it"
            yield _error("run/promise-not-kept", _file_of(test.name), message, fix)
    if wanted.write_first and not any(test.at_base == "failed" for test in promises):
        message = "no new test fails at the base and passes with the change"
        yield _error("run/promise-not-kept", "", message, "write a test that shows the change")


def _became(colour: str | None) -> str:
    return {None: "did not run", "skipped": "was skipped"}.get(colour, colour or "")


def _file_of(name: str) -> str:
    """Return the file that a test's name begins with, "" where it begins with none."""
    path = name.partition("::")[0].partition(" > ")[0]
    return path if "." in path and "/" in path and " " not in path else ""


def _error(rule: str, path: str, message: str, fix: str) -> Finding:
    return Finding(rule, Severity.ERROR, path, 0, message, fix)
