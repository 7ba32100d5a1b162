"""Set up a work tree as the checkout is: what git does not hold and checks need.

Submodules, folders and files of the checkout that git ignores, and what commands make. None of it
is ever part of a change: git is told to leave it out, wherever the work tree's own rules stand.
What somebody changes of it is made again before the next check.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from codex_orchestrator.model.config import SetupConfig
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.system.folder_digest import digest_folder
from codex_orchestrator.text.shown import one_line
from codex_orchestrator.workspace.checks import STATE_FILES
from codex_orchestrator.workspace.hidden_files import clean
from codex_orchestrator.workspace.mirror import linked_place, mirror
from codex_orchestrator.workspace.node_modules import fitting_modules
from codex_orchestrator.workspace.places import free_place
from codex_orchestrator.workspace.provided import Provided, load_provided, save_provided
from codex_orchestrator.workspace.repository import Repository
from codex_orchestrator.workspace.setup_commands import Commands, identity, untracked
from codex_orchestrator.workspace.small_copies import copy_here
from codex_orchestrator.workspace.submodules import Superproject, fill_submodules
from codex_orchestrator.workspace.tree import GitWorkTree

_TIMEOUT_S = 1800
_MOST_KEY_BYTES = 256 * 1024 * 1024


def set_up(commands: Commands, repository: Repository, settings: Mapping[str, str]) -> Provided:
    """Put into a work tree what the configuration and the checkout say, and record it beside it.

    A tree that was set up before is left as it is, except for what was changed since.

    Args:
        commands: those of the tree, with what they need; as its base has it.
        repository: of the tree; its top is the checkout.
        settings: of git, for how files are written.

    Raises:
        InputError: a path of the configuration cannot be used.
        NotCheckedError: something is missing, a command failed, or tracked files were changed.
    """
    tree, config = commands.tree, commands.config
    place, wanted = tree.root.parent, config.model_dump_json()
    asked = hashlib.sha256(f"{tree.base_sha} {wanted}".encode()).hexdigest()
    before = load_provided(place)
    if before is None and config.run:
        # What an attempt left that did not come to its end would pass for a result.
        clean(tree.git)
    before = before if before and before.asked == asked else None
    if before and not before.changed(tree.root):
        return before
    known = before.paths if before else {}
    left = [path for path, digest in known.items() if not digest]
    for path in known.keys() - left:
        free_place(tree.root, path)
    project = Superproject(
        *(repository.git, tree.base_sha, repository.top, repository.common_dir / "modules"),
        *(tree.root, commands.means.environ, settings),
    )
    # As the base has it; what the change makes of that file decides nothing.
    has_some = before.facts.submodules if before else os.path.lexists(tree.root / ".gitmodules")
    filled: tuple[str, ...] = ()
    if config.submodules and has_some:
        filled = fill_submodules(project, index=place / "submodule")
    checkout = _Checkout(tree, config, repository.top)
    # The change may have another lock file by now; what a tree has is decided by its base.
    links = before.facts.linked if before else checkout.wanted_links()
    read = checkout.link([path for path in links if path not in left])
    checkout.copy()
    facts = commands.run(before.facts if before else None)
    made = untracked(tree) if links or config.copy_ or config.run else ()
    digests = {
        path: "" if path in left else digest_folder(str(tree.root / path))
        for path in (known or (*filled, *made))
    }
    given = {"submodules": filled, "linked": links, "copied": config.copy_}
    provided = Provided(
        asked=asked,
        paths=digests,
        read=before.read if before else read,
        surroundings=(wanted, *checkout.surroundings(read)),
        facts=facts.model_copy(update=given),
    )
    save_provided(place, provided)
    return provided


class _Checkout(NamedTuple):
    """What a tree gets of the checkout; `top` is its top folder."""

    tree: GitWorkTree
    config: SetupConfig
    top: Path

    def wanted_links(self) -> tuple[str, ...]:
        """Return which paths of the checkout are to be shown."""
        paths = list(self.config.link)
        for path in paths:
            self._refuse_tracked(path, "setup.link")
        if not self.config.run:
            listed = self.tree.git.run("ls-files", "-z", "--", "package.json", "*/package.json")
            packages = [os.fsdecode(name) for name in listed.split(b"\0") if name]
            found = fitting_modules(packages, top=self.top, root=self.tree.root)
            paths += [path for path in found if path not in paths and not self._is_tracked(path)]
        return tuple(paths)

    def link(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Show paths of the checkout in the tree; return their real places."""
        top, real = self.top, []
        for path in paths:
            real.append(linked_place(top, path, field="setup.link"))
            mirror(real[-1], free_place(self.tree.root, path), top=top)
        return tuple(map(str, real))

    def copy(self) -> None:
        """Copy small files of the checkout."""
        for path in self.config.copy_:
            self._refuse_tracked(path, "setup.copy")
            source = linked_place(self.top, path, field="setup.copy")
            copy_here(source, self.tree.root, path, field="setup.copy")

    def surroundings(self, read: Sequence[str]) -> list[str]:
        """Return what results of checks depend on, of all that the checkout gives."""
        marked = [os.path.join(place, mark) for place in read for mark in ("", *STATE_FILES)]
        copied = (str(self.top / path) for path in self.config.copy_)
        return [*map(identity, marked), *map(digest_folder, copied)]

    def _refuse_tracked(self, path: str, field: str) -> None:
        if self._is_tracked(path):
            raise InputError(
                f"{one_line(path)} is tracked by git, so the work tree has it already",
                field=field,
                fix="take it out",
            )

    def _is_tracked(self, path: str) -> bool:
        return bool(self.tree.git.run("--literal-pathspecs", "ls-files", "-z", "--", path))
