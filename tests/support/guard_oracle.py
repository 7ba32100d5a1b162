"""The oracle: the guard's rules read slowly, straight from the documentation.

It shares no code with the guard: its own git calls, PyYAML for front matter, fnmatch part by part
for globs, whole snapshots in memory. It says which (rule, path) pairs are errors.
"""

import re
import subprocess
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import yaml

CODE = ("src/**", "app/**")
SPEC_FOLDER = "tasks/specs/"
MAX_AGE = 30

Found = set[tuple[str, str]]


class Doc(NamedTuple):
    """A spec as PyYAML reads it; None where the front matter is unusable."""

    front: dict[str, Any] | None
    body: str


def snapshot(root: Path, tree: str) -> dict[str, bytes]:
    """Return every file of a tree."""
    listed = _git(root, "ls-tree", "-r", "--name-only", "-z", tree).split(b"\0")[:-1]
    return {
        name.decode(): _git(root, "cat-file", "blob", f"{tree}:{name.decode()}") for name in listed
    }


def errors(
    before: dict[str, bytes],
    after: dict[str, bytes],
    *,
    today: date,
    unowned: str,
    roles: tuple[str, ...],
    self_review: str,
) -> Found:
    """Return the errors of a change between two snapshots."""
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    specs = {path: read(after[path]) for path in after if is_spec(path)}
    old = {path: read(before[path]) for path in before if is_spec(path)}
    touched = {path for path in changed if is_spec(path)}
    found: Found = set()
    needed: set[str] = set()
    helpers: dict[str, set[str]] = {}
    loose = []
    for path in sorted(changed):
        if is_spec(path) or not any(matches(glob, path) for glob in CODE):
            continue
        owners = {name for name, doc in specs.items() if owns(doc, path)}
        sound = {name for name in owners if not faults(specs[name], today, roles, needed=True)}
        if sound:
            helpers[path] = sound
        elif owners:
            active = {name for name in owners if status(specs[name]) not in ("draft", "superseded")}
            needed |= active or owners
        else:
            loose.append(path)
    carriers = set()
    if unowned == "touched":
        carriers = {
            path
            for path in touched & after.keys()
            if says_something(path, before, after, touched)
            and (is_new(path, old, specs, touched) or not globs(specs[path]))
            and not faults(specs[path], today, roles, needed=True)
        }
    for path in loose:
        if carriers:
            helpers[path] = carriers
        elif unowned != "ignore":
            found.add(("SPEC001", path))
    relied = set().union(*helpers.values()) if helpers else set()
    for path in (touched & after.keys()) | needed | relied:
        is_needed = path in needed | relied
        found |= {(rule, path) for rule in faults(specs[path], today, roles, needed=is_needed)}
    for path in touched & before.keys():
        kept = globs(specs[path]) if path in specs else []
        if path in specs and specs[path].front is None:
            continue
        lost = [glob for glob in globs(old[path]) if glob not in kept]
        for name in after:
            if is_spec(name) or not any(matches(glob, name) for glob in CODE):
                continue
            if any(matches(glob, name) for glob in lost) and not any(
                owns(doc, name) for doc in specs.values()
            ):
                found.add(("SPEC007", path))
    if self_review == "error":
        for group in helpers.values():
            if all(attested(name, old, specs, touched) for name in group):
                found |= {("SPEC009", name) for name in group}
    return found


def is_spec(path: str) -> bool:
    return path.startswith(SPEC_FOLDER) and path.endswith(".md")


def matches(glob: str, path: str) -> bool:
    """Match part by part."""
    return _match(glob.split("/"), path.split("/"))


def _match(parts: list[str], names: list[str]) -> bool:
    if not parts:
        return not names
    if parts[0] == "**":
        if len(parts) == 1:
            return bool(names)
        return any(_match(parts[1:], names[at:]) for at in range(len(names) + 1))
    return bool(names) and fnmatchcase(names[0], parts[0]) and _match(parts[1:], names[1:])


def read(data: bytes) -> Doc:
    lines = data.decode().splitlines(keepends=True)
    if not lines or lines[0].strip() != "---":
        return Doc(None, data.decode())
    for at, line in enumerate(lines[1:], start=1):
        if line.rstrip() == "---":
            front = "".join(lines[1:at])
            keys = re.findall(r"^(\w+):", front, re.MULTILINE)
            if len(keys) != len(set(keys)):
                return Doc(None, "".join(lines[at + 1 :]))
            loaded = yaml.load(front, yaml.BaseLoader)  # noqa: S506 - builds text only
            return Doc(loaded, "".join(lines[at + 1 :]))
    return Doc(None, data.decode())


def status(doc: Doc) -> str:
    return (doc.front or {}).get("status", "")


def globs(doc: Doc) -> list[str]:
    return list((doc.front or {}).get("paths") or [])


def owns(doc: Doc, path: str) -> bool:
    return any(matches(glob, path) for glob in globs(doc))


def faults(doc: Doc, today: date, roles: tuple[str, ...], *, needed: bool) -> set[str]:
    """Return the rules that speak against a spec."""
    if doc.front is None:
        return {"SPEC004"}
    found = set()
    state = status(doc)
    is_active = state not in ("draft", "superseded")
    written = doc.front.get("last_review", "")
    try:
        day = date.fromisoformat(written[:10]) if written else None
    except ValueError:
        day = None
    if (written and (day is None or day > today)) or (not written and is_active):
        found.add("SPEC003")
    if day and is_active and (today - day).days > MAX_AGE:
        found.add("SPEC002")
    if state != "approved" and (is_active or needed):
        found.add("SPEC005")
    signed = {entry["role"] for entry in doc.front.get("approvals") or []}
    if state == "approved" and not set(roles) <= signed:
        found.add("SPEC006")
    return found


def says_something(
    path: str, before: dict[str, bytes], after: dict[str, bytes], touched: set[str]
) -> bool:
    now = substance(after[path])
    if path in before:
        return now != substance(before[path])
    gone = [name for name in touched if name in before and name not in after]
    return all(now != substance(before[name]) for name in gone)


def substance(data: bytes) -> str:
    doc = read(data)
    if doc.front is None:
        return "broken" + "".join(data.decode().split())
    rest = {
        key: value
        for key, value in doc.front.items()
        if key not in ("last_review", "approvals", "status")
    }
    return "".join(str(sorted(rest.items())).split()) + "".join(doc.body.split())


def is_new(path: str, old: dict[str, Doc], specs: dict[str, Doc], touched: set[str]) -> bool:
    if path in old:
        return False
    gone = {
        (old[name].front or {}).get("id") for name in touched if name in old and name not in specs
    }
    return (specs[path].front or {}).get("id") not in gone - {None}


def attested(path: str, old: dict[str, Doc], specs: dict[str, Doc], touched: set[str]) -> bool:
    if path not in touched:
        return False
    if path not in old or old[path].front is None:
        return True
    before, after = old[path].front or {}, specs[path].front or {}
    return (
        before.get("last_review") != after.get("last_review")
        or before.get("status") != "approved"
        or _signed(before) != _signed(after)
    )


def _signed(front: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(a["role"], a["by"], a["on"]) for a in front.get("approvals") or []}


def _git(root: Path, *args: str) -> bytes:
    return subprocess.run(["git", "-C", str(root), *args], capture_output=True, check=True).stdout
