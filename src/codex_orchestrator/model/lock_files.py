"""Lock files of JavaScript projects, and how a work tree installs what they say."""

import json

LOCK_FILES = {
    "package-lock.json": ("npm", "--prefix", "ci"),
    "npm-shrinkwrap.json": ("npm", "--prefix", "ci"),
    "pnpm-lock.yaml": ("pnpm", "--dir", "install", "--frozen-lockfile"),
    "yarn.lock": ("yarn", "--cwd", "install", "--frozen-lockfile"),
    "bun.lock": ("bun", "--cwd", "install", "--frozen-lockfile"),
    "bun.lockb": ("bun", "--cwd", "install", "--frozen-lockfile"),
}
"""Each lock file with the program that installs by it, its option for a folder, and the rest."""


def set_up_lines(lock: str) -> str:
    """Return the lines of the configuration that install by a lock file in each work tree."""
    folder, _, name = lock.rpartition("/")
    known = LOCK_FILES.get(name, ("npm", "--prefix", "install", "--no-package-lock"))
    program, option, *rest = known
    words = [program, *([option, folder] if folder else []), *rest]
    # A string of JSON is one of TOML too.
    run, key = json.dumps([words]), json.dumps([lock])
    return f"[tool.codex-orchestrator.setup]\nrun = {run}\nkey = {key}\nnetwork = true"
