"""Files of a work tree that git ignores: they are in no recorded state and on no branch."""

import os
from collections.abc import Sequence

from codex_orchestrator.system.safe_git import SafeGit


def drop_hidden(git: SafeGit, *, keep: Sequence[str] = ()) -> tuple[str, ...]:
    """Remove all that git ignores, and return what of it is worth a word.

    That is what the repository's own rules hide, and the folders that were kept; what tools are
    known to leave behind, such as `__pycache__`, is removed without a word.

    Args:
        git: of the work tree; its setting `core.excludesFile` lists what tools leave behind.
        keep: names of folders that stay, wherever they are.
    """
    rules = ["--exclude-per-directory=.gitignore"]
    path_of = ("rev-parse", "--path-format=absolute", "--git-path")
    if os.path.isfile(of_clone := git.text(*path_of, "info/exclude")):
        rules.append(f"--exclude-from={of_clone}")
    tools = f"--exclude-from={git.text('config', 'core.excludesFile')}"
    hidden = _ignored(git, *rules) - _ignored(git, tools)
    folders = _ignored(git, "--directory", tools) if keep else set()
    kept = {path for path in folders if os.path.basename(path.rstrip("/")) in keep}
    clean(git, keep=keep)
    return (*sorted(hidden), *sorted(kept))


def clean(git: SafeGit, *, keep: Sequence[str] = ()) -> None:
    """Remove every file that is not in the index, ignored ones too; folders named `keep` stay."""
    git.run("clean", "-ffdxq", *(f"--exclude={name}/" for name in keep))


def _ignored(git: SafeGit, *rules: str) -> set[str]:
    listing = ("ls-files", "--others", "--ignored", "-z")
    return set(map(os.fsdecode, git.run(*listing, *rules).split(b"\0")[:-1]))
