"""Lock files of JavaScript projects, and how a work tree installs what they say."""

import json

LOCK_FILES = {
    "package-lock.json": ("npm", "ci", "--prefix"),
    "npm-shrinkwrap.json": ("npm", "ci", "--prefix"),
    "pnpm-lock.yaml": ("pnpm", "install", "--frozen-lockfile", "--dir"),
    "yarn.lock": ("yarn", "install", "--frozen-lockfile", "--cwd"),
    "bun.lock": ("bun", "install", "--frozen-lockfile", "--cwd"),
    "bun.lockb": ("bun", "install", "--frozen-lockfile", "--cwd"),
}
"""Each lock file with the command that installs by it; its last word names another folder."""


def set_up_lines(lock: str) -> str:
    """Return the lines of the configuration that install by a lock file in each work tree."""
    folder, _, name = lock.rpartition("/")
    *words, option = LOCK_FILES.get(name, ("npm", "install", "--no-package-lock", "--prefix"))
    words += [option, folder] if folder else []
    # A string of JSON is one of TOML too.
    run, key = json.dumps([words]), json.dumps([lock])
    return f"[tool.codex-orchestrator.setup]\nrun = {run}\nkey = {key}\nnetwork = true"
