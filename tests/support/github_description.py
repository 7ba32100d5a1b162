"""GitHub's own OpenAPI description, cut down to what the tests' server speaks.

It is taken from the npm package `@octokit/openapi` through the npm client, checked against a
pinned hash and kept in `.cache/`. It is GitHub's text and is not part of this repository.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

VERSION = "23.0.2"
MEMBER = "package/generated/api.github.com.json"
MEMBER_SHA256 = "829b4bebb19a53133289f7b0bc819f4f1118115821db2ca9f25e9ee995a7da2a"
CACHE = Path(__file__).parents[2] / ".cache" / "github-openapi"
REPO = "/repos/{owner}/{repo}"
OPERATIONS = {
    REPO + "/issues/{issue_number}/comments": ("get", "post"),
    REPO + "/issues/comments/{comment_id}": ("get", "patch", "delete"),
    REPO + "/pulls/{pull_number}": ("get",),
    REPO + "/pulls/{pull_number}/files": ("get",),
    REPO + "/collaborators/{username}/permission": ("get",),
}


class DescriptionMissingError(Exception):
    """The description cannot be had here; the message says why."""


def load_description() -> dict[str, Any]:
    """Return the description of our operations; fetch it once for this machine."""
    wanted = hashlib.sha256(repr((VERSION, MEMBER_SHA256, OPERATIONS)).encode()).hexdigest()[:16]
    kept = CACHE / f"{VERSION}-{wanted}.json"
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        cut = _cut(json.loads(_fetch()))
        fresh = kept.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(cut), encoding="utf-8")
        fresh.replace(kept)
    description: dict[str, Any] = _repair(json.loads(kept.read_text(encoding="utf-8")))
    return description


def _fetch() -> bytes:
    npm = shutil.which("npm")
    if npm is None:
        raise DescriptionMissingError("npm is not on PATH; it brings GitHub's API description")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [npm, "pack", "--silent", "--ignore-scripts", f"@octokit/openapi@{VERSION}",
             "--pack-destination", folder],
            cwd=folder, capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
        packed = list(Path(folder).glob("*.tgz"))
        if done.returncode or len(packed) != 1:
            raise DescriptionMissingError(f"npm pack failed: {done.stderr.strip()[-300:]}")
        with tarfile.open(packed[0]) as archive:
            stream = archive.extractfile(MEMBER)
            data = stream.read() if stream else b""
    found = hashlib.sha256(data).hexdigest()
    if found != MEMBER_SHA256:
        raise DescriptionMissingError(f"{MEMBER} has SHA-256 {found}, pinned is {MEMBER_SHA256}")
    return data


def _cut(full: dict[str, Any]) -> dict[str, Any]:
    paths = {
        path: {key: full["paths"][path][key] for key in methods}
        for path, methods in OPERATIONS.items()
    }
    components: dict[str, Any] = {}

    def keep(node: Any) -> None:
        if isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str):
                kind, name = reference.split("/")[-2:]
                if name not in components.setdefault(kind, {}):
                    components[kind][name] = full["components"][kind][name]
                    keep(components[kind][name])
            for value in node.values():
                keep(value)
        elif isinstance(node, list):
            for value in node:
                keep(value)

    keep(paths)
    head = {key: full[key] for key in ("openapi", "info", "servers")}
    return {**head, "paths": paths, "components": components}


def _repair(node: Any) -> Any:
    """Let nullable enumerations hold null: the description means it and does not say it."""
    if isinstance(node, dict):
        if node.get("nullable") and isinstance(node.get("enum"), list):
            node["enum"] = [*node["enum"], None]
        for value in node.values():
            _repair(value)
    elif isinstance(node, list):
        for value in node:
            _repair(value)
    return node
