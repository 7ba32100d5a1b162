"""Files of a work tree that git ignores: they are in no recorded state and on no branch."""

import os
from collections.abc import Sequence

from codex_orchestrator.system.safe_git import SafeGit


def drop_hidden(
    git: SafeGit, *, keep: Sequence[str] = (), paths: Sequence[str] = ()
) -> tuple[str, ...]:
    """Remove all that git ignores, and return what of it is worth a word.

    That is what the repository's own rules hide, and the folders that were kept; what tools are
    known to leave behind, such as `__pycache__`, is removed without a word.

    Args:
        git: of the work tree; its setting `core.excludesFile` lists what tools leave behind.
        keep: names of folders that stay, wherever they are.
        paths: what set-up provided, which stays too; the setting lists it.
    """
    rules = ["--exclude-per-directory=.gitignore"]
    path_of = ("rev-parse", "--path-format=absolute", "--git-path")
    if os.path.isfile(of_clone := git.text(*path_of, "info/exclude")):
        rules.append(f"--exclude-from={of_clone}")
    tools = f"--exclude-from={git.text('config', 'core.excludesFile')}"
    hidden = _ignored(git, *rules) - _ignored(git, tools)
    folders = _ignored(git, "--directory", tools) if keep else set()
    kept = {path for path in folders if os.path.basename(path.rstrip("/")) in keep}
    clean(git, keep=keep, paths=paths)
    provided = tuple(f"{path}/" for path in paths)
    kept = {path for path in kept if not path.startswith(provided)}
    return (*sorted(hidden), *sorted(kept))


def clean(
    git: SafeGit,
    *,
    keep: Sequence[str] = (),
    paths: Sequence[str] = (),
    takes_ignored: bool = True,
) -> None:
    """Remove every file that is not in the index, and those that git ignores as well.

    Folders named `keep` stay, and `paths`, which are relative to the top.
    """
    rules = (*(f"{name}/" for name in keep), *map(ignore_rule, paths))
    how = "-ffdxq" if takes_ignored else "-ffdq"
    git.run("clean", how, *(f"--exclude={rule}" for rule in rules))


def leave_out(git: SafeGit, paths: Sequence[str]) -> None:
    """Take paths out of the index: rules of the tree may un-ignore what set-up provided."""
    if paths:
        words = ("rm", "-r", "-q", "--cached", "--ignore-unmatch")
        git.run("--literal-pathspecs", *words, "--", *paths)


def ignore_rule(path: str) -> str:
    """Return the line of an ignore file that hides one path, whatever is in its name."""
    return "/" + "".join(f"\\{char}" if char in "\\*?[ " else char for char in path)


def _ignored(git: SafeGit, *rules: str) -> set[str]:
    listing = ("ls-files", "--others", "--ignored", "-z")
    return set(map(os.fsdecode, git.run(*listing, *rules).split(b"\0")[:-1]))
