"""What in a repository's git folder makes git run programs: watched, since checks can reach it.

A check runs as the user who started the run, and every work tree shares one git folder. A test
that writes `core.fsmonitor` or a hook there has git run a program later, long after the run.
"""

from pathlib import Path

from codex_orchestrator.model.canonical import sha256_hex

_FILES = ("config", "config.worktree", "info/attributes")


def read_git_settings(common_dir: Path) -> dict[str, str]:
    """Return the SHA-256 of each settings file and hook by its name in the git folder."""
    hooks = common_dir / "hooks"
    names = [*_FILES, *(f"hooks/{path.name}" for path in hooks.glob("*") if hooks.is_dir())]
    found = {}
    for name in names:
        path = common_dir / name
        if path.is_file():
            found[name] = sha256_hex(path.read_bytes())
    return found
