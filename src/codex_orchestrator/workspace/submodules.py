"""Fill the submodules of a work tree from the objects that the checkout has of them.

Nothing is fetched and no address is asked. The files are put there without a git folder, so that
git sees a submodule that is not initialised: its files are never part of a change.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.system.safe_git import GitError, SafeGit
from codex_orchestrator.text.names import path_problem
from codex_orchestrator.text.shown import one_line
from codex_orchestrator.workspace.places import free_place


class Superproject(NamedTuple):
    """A repository with submodules: its git, the checkout of it, and where new files go.

    `modules` is the folder that git keeps the git folders of its submodules in. `settings` are
    those of git, for how files are written.
    """

    git: SafeGit
    commit: str
    checkout: Path
    modules: Path
    root: Path
    environ: Mapping[str, str]
    settings: Mapping[str, str]


def fill_submodules(project: Superproject, *, index: Path, within: str = "") -> tuple[str, ...]:
    """Put the files of all submodules there, nested ones too; return the paths of its own.

    Args:
        project: the repository.
        index: a free name for the index of one submodule after the other.
        within: where the project itself lies, for messages; "" or ending in a slash.

    Raises:
        NotCheckedError: the checkout does not have the commit of one; it is named.
    """
    filled = []
    for name, path, commit in _submodules(project):
        shown = one_line(f"{within}{path}")
        mend = f"git submodule update --init --recursive -- {shown}"
        git_dir = _git_dir(project, name, path, commit)
        if git_dir is None:
            raise NotCheckedError(
                f"submodule {shown}: the checkout does not have its commit {commit[:12]}",
                fix=f"{mend} (or `submodules = false` in [tool.codex-orchestrator.setup], where no "
                "check needs it)",
            )
        place = free_place(project.root, path)
        place.mkdir(0o755)
        places = {"GIT_WORK_TREE": str(place), "GIT_INDEX_FILE": str(index)}
        git = _git_at(project, git_dir, folder=place, places=places)
        index.unlink(missing_ok=True)
        try:
            git.run("read-tree", commit)
            git.run("checkout-index", "--all", "--force", "--quiet")
        except GitError as error:
            raise NotCheckedError(f"submodule {shown}: {error.message}", fix=mend) from error
        finally:
            index.unlink(missing_ok=True)
        filled.append(path)
        inner = project._replace(
            git=_git_at(project, git_dir, folder=git_dir),
            commit=commit,
            checkout=project.checkout / path,
            modules=git_dir / "modules",
            root=place,
        )
        fill_submodules(inner, index=index, within=f"{within}{path}/")
    return tuple(filled)


def _git_at(
    project: Superproject, git_dir: Path, *, folder: Path, places: Mapping[str, str] | None = None
) -> SafeGit:
    known = {"GIT_DIR": str(git_dir), **(places or {})}
    return SafeGit(folder, environ=project.environ, places=known, settings=project.settings)


def _submodules(project: Superproject) -> Iterator[tuple[str, str, str]]:
    """Yield name, path and commit of each submodule that is to be there."""
    blob = f"{project.commit}:.gitmodules"
    words = ("config", "--blob", blob, "-z", "--get-regexp", r"^submodule\..*\.(path|update)$")
    status, out, _ = project.git.attempt(*words)
    rows = [row.partition("\n") for row in os.fsdecode(out).split("\0") if row and not status]
    values = {name: value for name, _, value in rows}
    for key, path in sorted(values.items(), key=lambda row: row[1]):
        name = key.removeprefix("submodule.").removesuffix(".path")
        if not key.endswith(".path") or values.get(f"submodule.{name}.update") == "none":
            continue
        if problem := path_problem(path):
            raise NotCheckedError(f".gitmodules: the path {one_line(path)} {problem}")
        listed = project.git.run(
            "--literal-pathspecs", "ls-tree", "-z", "--full-tree", project.commit, "--", path
        )
        mode, _, rest = listed.partition(b" ")
        if mode == b"160000":
            yield name, path, rest.split()[1].decode("ascii")


def _git_dir(project: Superproject, name: str, path: str, commit: str) -> Path | None:
    """Return the git folder of a submodule that has a commit; None when there is none."""
    places = []
    checked_out = project.checkout / path
    if os.path.lexists(checked_out / ".git"):
        git = SafeGit(checked_out, environ=project.environ)
        status, out, _ = git.attempt("rev-parse", "--absolute-git-dir")
        places += [] if status else [Path(os.fsdecode(out).rstrip("\n"))]
    if not path_problem(name):
        places.append(project.modules / name)
    for place in places:
        if place.is_dir():
            git = _git_at(project, place, folder=place)
            status, _, _ = git.attempt("cat-file", "-e", f"{commit}^{{commit}}")
            if not status:
                return place
    return None
