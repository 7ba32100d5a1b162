"""Run the tests of a Cargo workspace and write what became of each to a report.

Cargo starts each test binary through a runner of ours, which asks it for JSON. That stable
toolchains refuse without `RUSTC_BOOTSTRAP`; as only the binary gets the variable, the code is
compiled as always. Documentation tests are rustdoc's, whose text tests cannot reach.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from codex_orchestrator.adapters.test_runner import FAILED, PASSED, SKIPPED, Report, note_loaded

_MARK = "#codex-orchestrator#"
_SCRIPT = "CODEX_ORCHESTRATOR_RUNNER"
# Programs that a test starts get neither. A binary without the harness of the standard library
# takes no options, and its exit code says what became of it.
_FORGET = f'unset "$runner" runner {_SCRIPT}\n'
_RUN_TESTS = f"""\
{_FORGET}printf '\\n{_MARK}binary %s\\n' "$1"
case "$plain" in *" $1 "*) "$@"; code=$?; printf '\\n{_MARK}exit %s\\n' $code; exit $code;; esac
RUSTC_BOOTSTRAP=1 exec "$@" --format json -Z unstable-options
"""
# rustdoc says this to a binary that it starts itself: each of its tests is a process then.
_RUN_DOC_TESTS = f'{_FORGET}RUSTDOC_DOCTEST_BIN_PATH="$1" exec "$@"\n'
_OUTCOMES = {"ok": PASSED, "failed": FAILED, "ignored": SKIPPED}
_DOC_TEST = re.compile(
    r"test (.+?) ?\(line (\d+)\)(?: - ([a-z ]+))? \.\.\. (ok|FAILED|ignored)\b.*"
)


class _Binary:
    """What a test binary has said so far."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.planned = -1
        self.found = 0
        self.has_end = False

    @property
    def is_whole(self) -> bool:
        """Whether it went to its end, and told of every test."""
        return self.has_end and self.found == self.planned


def run_cargo(report: Report, options: list[str]) -> int:
    """Run all tests, print what they print, and return Cargo's exit code.

    Args:
        report: where what became of them goes.
        options: for `cargo test`.
    """
    order = ["cargo", "test", "--no-fail-fast", *options]
    built, code = _artifacts([*order, "--no-run", "--message-format=json-render-diagnostics"])
    if code:
        return code
    binaries: dict[str, _Binary] = {}
    plain = []
    for artifact in built:
        executable = artifact["executable"]
        if artifact["profile"]["test"] and executable:
            binaries[executable] = _Binary(_place(artifact, binaries))
            plain += [] if _has_harness(artifact) else [executable]
    script = f"plain={shlex.quote(' '.join(('', *plain, '')))}\n{_RUN_TESTS}"
    code = _run_binaries(report, [*order, "--tests"], _through(script), binaries)
    is_whole = all(binary.is_whole for binary in binaries.values())
    documented = [artifact for artifact in built if artifact["target"]["doctest"]]
    if documented:
        # A package that others only depend on is built and not tested.
        tested = {artifact["package_id"] for artifact in documented if artifact["profile"]["test"]}
        command = [*order, "--doc"]
        doc_code, ends = _run_doc_tests(report, command, _through(_RUN_DOC_TESTS))
        code, is_whole = code or doc_code, is_whole and ends >= len(tested)
    if is_whole:
        report.end()
    return code


def _through(script: str) -> dict[str, str]:
    """Return the environment in which Cargo starts binaries through a shell script.

    Only a variable takes precedence over a runner in whatever form the project configures it. It is
    split at spaces, so the script is in another one.
    """
    about = subprocess.run(["cargo", "-vV"], stdout=subprocess.PIPE, text=True, check=True).stdout
    host = about.partition("host: ")[2].partition("\n")[0]
    name = f"CARGO_TARGET_{re.sub('[-.]', '_', host).upper()}_RUNNER"
    start = f'sh -c eval${{IFS}}"${_SCRIPT}" sh'
    return {**os.environ, name: start, _SCRIPT: f"runner={name}\n{script}"}


def _artifacts(command: list[str]) -> tuple[list[dict[str, Any]], int]:
    """Build, and return what was made of the project's own code, and the exit code."""
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    messages = [json.loads(line) for line in done.stdout.splitlines() if line[:1] == b"{"]
    built = [message for message in messages if message["reason"] == "compiler-artifact"]
    # Other packages were fetched for their version.
    local = [message for message in built if "path+file:" in message["package_id"]]
    note_loaded(os.path.dirname(message["manifest_path"]) for message in local)
    own = [one for one in local if Path(one["manifest_path"]).is_relative_to(Path.cwd())]
    return own, done.returncode


def _place(artifact: dict[str, Any], known: dict[str, _Binary]) -> str:
    """Return the source file that stands for a binary; with its name where another has it too."""
    file = Path(artifact["target"]["src_path"])
    is_below = file.is_relative_to(Path.cwd())
    place = file.relative_to(Path.cwd()).as_posix() if is_below else file.name
    is_taken = any(binary.place == place for binary in known.values())
    return f"{place} ({artifact['target']['name']})" if is_taken else place


def _has_harness(artifact: dict[str, Any]) -> bool:
    manifest = tomllib.loads(Path(artifact["manifest_path"]).read_text("utf-8"))
    name, kind = artifact["target"]["name"], artifact["target"]["kind"][0]
    tables = manifest.get(kind, []) if kind in ("test", "bin", "example") else manifest.get("lib")
    listed = tables if isinstance(tables, list) else [{**(tables or {}), "name": name}]
    return all(table.get("harness", True) for table in listed if table.get("name") == name)


def _run_binaries(
    report: Report, command: list[str], environment: dict[str, str], binaries: dict[str, _Binary]
) -> int:
    binary = _Binary("")
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, encoding="utf-8", errors="replace"
    ) as process:
        for line in process.stdout or ():
            if line.startswith(f"{_MARK}binary "):
                binary = binaries.get(line.split(" ", 1)[1].rstrip("\n"), _Binary(""))
            elif line.startswith(f"{_MARK}exit "):
                code = line.split(" ", 1)[1].strip()
                report.result(binary.place, PASSED if code == "0" else FAILED)
                binary.planned, binary.found, binary.has_end = 1, 1, True
            else:
                sys.stdout.write(_take(report, binary, line))
    return abs(int(process.returncode))


def _take(report: Report, binary: _Binary, line: str) -> str:
    """Take a line of a test binary, and return it as people read it."""
    # A test may have written something before it that ends no line.
    before, mark, rest = line.partition('{ "type": ')
    event = _event(mark + rest)
    kind, became, name = event.get("type"), event.get("event"), event.get("name")
    if kind == "suite" and became == "started":
        binary.planned = event["test_count"]
    elif kind == "suite" and became in _OUTCOMES:
        binary.has_end = True
    elif kind == "test" and became in _OUTCOMES:
        binary.found += 1
        report.result(f"{binary.place}::{name}", _OUTCOMES[became])
        return f"{before}test {name} ... {became}\n{event.get('stdout', '')}"
    elif not event:
        return line
    return before


def _event(text: str) -> dict[str, Any]:
    try:
        event = json.loads(text)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _run_doc_tests(
    report: Report, command: list[str], environment: dict[str, str]
) -> tuple[int, int]:
    """Run documentation tests; return the exit code, and how many runs went to their end.

    Their names hold line numbers, which every edit moves: those of one item are numbered instead.
    """
    found: list[tuple[str, int, str]] = []
    ends = 0
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, encoding="utf-8", errors="replace"
    ) as process:
        for line in process.stdout or ():
            sys.stdout.write(line)
            ends += line.startswith("test result: ")
            if test := _DOC_TEST.fullmatch(line.rstrip("\n")):
                # What is only compiled is not executed.
                is_only = test[3] == "compile" and test[4] == "ok"
                outcome = SKIPPED if is_only else _OUTCOMES[test[4].lower()]
                found.append((test[1], int(test[2]), outcome))
    for name, outcome in _numbered(sorted(found)):
        report.result(name, outcome)
    return abs(int(process.returncode)), ends


def _numbered(found: list[tuple[str, int, str]]) -> Iterator[tuple[str, str]]:
    numbers: Counter[str] = Counter()
    for name, _, outcome in found:
        numbers[name] += 1
        yield (f"{name} #{numbers[name]}" if numbers[name] > 1 else name), outcome
