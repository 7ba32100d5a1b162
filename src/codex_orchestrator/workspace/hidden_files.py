"""Files of a work tree that git ignores: they are in no recorded state and on no branch."""

import os

from codex_orchestrator.system.safe_git import SafeGit

_MANY = 500


def drop_hidden(git: SafeGit) -> tuple[str, ...]:
    """Remove what the repository's own rules make git ignore, and return its names.

    What tools are known to leave behind, such as `node_modules`, stays.

    Args:
        git: of the work tree; its setting `core.excludesFile` lists what tools leave behind.
    """
    rules = ["--exclude-per-directory=.gitignore"]
    path_of = ("rev-parse", "--path-format=absolute", "--git-path")
    if os.path.isfile(of_clone := git.text(*path_of, "info/exclude")):
        rules.append(f"--exclude-from={of_clone}")
    tools = git.text("config", "core.excludesFile")
    of_tools = _ignored(git, f"--exclude-from={tools}")
    names = sorted(map(os.fsdecode, _ignored(git, *rules) - of_tools))
    for start in range(0, len(names), _MANY):
        places = [f":(top,literal){name}" for name in names[start : start + _MANY]]
        git.run("clean", "-ffdxq", "--", *places)
    return tuple(names)


def _ignored(git: SafeGit, *rules: str) -> set[bytes]:
    listing = ("ls-files", "--others", "--ignored", "-z")
    return set(git.run(*listing, *rules).split(b"\0")[:-1])
