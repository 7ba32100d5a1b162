"""What is in the work tree: its code, its specs with what they own, its CODEOWNERS."""

import os
from collections.abc import Mapping
from pathlib import Path

from codex_orchestrator.guard.code_owners import PLACES
from codex_orchestrator.guard.config import GuardConfig
from codex_orchestrator.guard.loading import MAX_SPEC_BYTES, formats_of
from codex_orchestrator.guard.specs import Spec
from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.system.confined import ConfinedTree
from codex_orchestrator.system.git import Git
from codex_orchestrator.text.globs import path_matcher
from codex_orchestrator.text.names import is_utf8
from codex_orchestrator.verbs.code_globs import derive_code
from codex_orchestrator.verbs.tracked_files import tracked_files

MAX_BYTES = 3 * 1024 * 1024
"""GitHub reads no CODEOWNERS of more than this; a spec is smaller."""


def present_code(
    root: str, config: GuardConfig, environment: Mapping[str, str], *, has_code_globs: bool
) -> list[str]:
    """Return the tracked regular files that are code, sorted.

    Args:
        root: top folder of the repository.
        config: says what is code.
        environment: the environment of the process.
        has_code_globs: whether the configuration says so itself; if not, it is found out.

    Raises:
        InputError: there is none.
        NotCheckedError: git cannot list them.
    """
    files = tracked_files(Path(root), environment)
    globs = config.code if has_code_globs else tuple(code.glob for code in derive_code(files))
    is_code, is_spec = path_matcher(globs), path_matcher(config.specs)
    found = sorted(path for path in files if is_code(path) and not is_spec(path))
    if not found:
        raise InputError(
            f"no tracked file is code: {', '.join(globs)[:200] or 'none looks like it'}",
            path=config.source,
            field="guard.code",
            fix="name the folders of the code in guard.code, or add the files to git",
        )
    return found


def present_specs(git: Git, tree: ConfinedTree, config: GuardConfig) -> list[Spec]:
    """Return the specs of the work tree, tracked or new, that can be read.

    Raises:
        NotCheckedError: git cannot list them.
    """
    from codex_orchestrator.guard.frontmatter import parse_facts

    is_spec, formats = path_matcher(config.specs), formats_of(config)
    names = [name or "." for name in config.spec_folders]
    options = ("-z", "--cached", "--others", "--exclude-standard")
    listed = git.run("--literal-pathspecs", "ls-files", *options, "--", *names)
    found = []
    for path in sorted(set(os.fsdecode(listed).split("\0")) - {""}):
        if not is_spec(path) or not is_utf8(path):
            continue
        try:
            data = tree.read(path).data[:MAX_SPEC_BYTES]
        except (InputError, NotCheckedError):
            continue  # a link, or deleted in the work tree
        if formats is None:
            facts = parse_facts(data, size=len(data))
        else:
            facts = formats.settle(path, formats.parser(path)(data, len(data)))
        found.append(Spec(path, "", facts))
    return found


def read_code_owners(tree: ConfinedTree) -> tuple[str, str]:
    """Return place and text of CODEOWNERS, both empty when there is none.

    Raises:
        InputError: it is a link, or too large.
    """
    for place in PLACES:
        if tree.kind(place) == "file":
            return place, tree.read(place).data.decode("utf-8", "replace")
    return "", ""


def place_of_spec(config: GuardConfig, spec_id: str) -> str:
    """Return where a spec of ours with an id goes: the first place that the configuration means.

    Raises:
        InputError: `guard.specs` means no file that an id can name.
    """
    is_spec = path_matcher(config.specs)
    for folder in config.spec_folders:
        for name in (f"{spec_id}.md", f"{spec_id}/spec.md"):
            path = "/".join(filter(None, (folder, name)))
            if is_spec(path):
                return path
    raise InputError(
        f"{spec_id}.md would be no spec in any folder of {', '.join(config.specs)[:200]}",
        path=config.source,
        field="guard.specs",
        fix="add a glob such as `tasks/specs/**/*.md`",
    )
