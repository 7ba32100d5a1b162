"""Recorded states of runs: which are here, and how they move to another clone and back.

They are moved as a git pack, thin against the run's base commit. A state is named by its hash, so
what comes out of a pack is what went in, or it is refused.
"""

import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from codex_orchestrator.model.errors import NotCheckedError
from codex_orchestrator.model.work_pack import MAX_PACK_BYTES, WorkPack
from codex_orchestrator.system.git_output import complaint
from codex_orchestrator.system.output import Redaction, unchanged
from codex_orchestrator.system.safe_git import SafeGit
from codex_orchestrator.text.names import is_object_name
from codex_orchestrator.workspace.checkout import Checkout
from codex_orchestrator.workspace.repository import require_commit
from codex_orchestrator.workspace.tree import REFS

# All of it is searched for secrets in memory before it is packed.
MAX_PLAIN_BYTES = 128 * 1024 * 1024
_MEBI = 1024 * 1024


class RecordedStates(Checkout):
    """The recorded states of a repository's runs, beyond their work trees."""

    def __init__(
        self, repo: Path, *, environ: Mapping[str, str], redact: Redaction = unchanged
    ) -> None:
        super().__init__(repo, environ=environ)
        self._redact = redact

    def begin(self, run_id: str, *, base_sha: str) -> None:
        """Record in the git folder that a run works here: its own files may come from elsewhere."""
        self._repository.git.run("update-ref", _base_ref(run_id), base_sha)

    def has_begun(self, run_id: str) -> bool:
        """Say whether an unfinished run was at work in this repository before."""
        ref = _base_ref(run_id)
        status, _, _ = self._repository.git.attempt("show-ref", "--verify", "--quiet", ref)
        return not status

    def missing_states(self, trees: Sequence[str]) -> tuple[str, ...]:
        """Return those of the recorded states that this repository does not have."""
        return _missing(self._repository.git, trees)

    def pack_states(self, trees: Sequence[str], *, base_sha: str) -> WorkPack:
        """Pack recorded states, unless they hold a secret or are too large.

        Raises:
            NotCheckedError: git failed.
        """
        git = self._repository.git
        listed = _listed(git, trees, base_sha=base_sha)
        if not listed:
            return WorkPack()
        if _plain_bytes(git, listed) > MAX_PLAIN_BYTES:
            return WorkPack(problem=f"it has more than {MAX_PLAIN_BYTES // _MEBI} MiB")
        # A pack is compressed, so a secret in it could not be found later.
        names = b"\n".join(line.partition(b" ")[0] for line in listed) + b"\n"
        plain = git.run("cat-file", "--batch", stdin=names)
        if any(self._redact(text) != text for text in (plain, b"\n".join(listed))):
            return WorkPack(problem="it holds a secret")
        wanted = b"\n".join((f"-{base_sha}".encode("ascii"), *listed)) + b"\n"
        data = git.run("pack-objects", "--stdout", "--delta-base-offset", "-q", stdin=wanted)
        if len(data) > MAX_PACK_BYTES:
            return WorkPack(problem=f"packed, it has more than {MAX_PACK_BYTES // _MEBI} MiB")
        return WorkPack(data)

    def remove_objects_with_secrets(self, *, since: str) -> int:
        """Remove unreachable objects that hold a secret, and the trees that name them.

        Only loose ones, written since a moment (RFC 3339): an older one is not of the run that
        began then.

        Returns:
            How many were removed.

        Raises:
            NotCheckedError: git failed.
        """
        git, folder = self._repository.git, self._repository.common_dir / "objects"
        began = datetime.fromisoformat(since).timestamp()
        listed = [line.split()[0] for line in git.text("prune", "-n", "--expire=now").splitlines()]
        places = {name: folder / name[:2] / name[2:] for name in listed}
        recent = [name for name, place in places.items() if place.stat().st_mtime >= began - 1]
        contents = {name: git.run("cat-file", "--batch", stdin=name.encode()) for name in recent}
        bad = {name for name, content in contents.items() if self._redact(content) != content}
        while True:
            marks = [mark for name in bad for mark in (bytes.fromhex(name), name.encode())]
            naming = {
                name
                for name, content in contents.items()
                if name not in bad and any(mark in content for mark in marks)
            }
            if not naming:
                break
            bad |= naming
        for name in bad:
            places[name].unlink(missing_ok=True)
        return len(bad)

    def unpack_states(
        self, data: bytes, *, run_id: str, trees: Sequence[str], base_sha: str
    ) -> None:
        """Take recorded states out of an untrusted pack, and keep them.

        Raises:
            InputError: the base commit is not in this repository.
            NotCheckedError: the pack is damaged, too large, or does not hold the states; then
                nothing of it is kept.
        """
        repository = self._repository
        require_commit(repository, base_sha)
        with tempfile.TemporaryDirectory(prefix="codex-orchestrator-") as folder:
            apart = repository.git.at(
                repository.top,
                places={
                    "GIT_OBJECT_DIRECTORY": folder,
                    "GIT_ALTERNATE_OBJECT_DIRECTORIES": _quoted(repository.common_dir / "objects"),
                },
            )
            problem = _unpack(apart, data) or _misfit(apart, trees, base_sha=base_sha)
        if problem:
            raise NotCheckedError(
                f"the work that came with run {run_id} cannot be used: {problem}",
                fix="copy the whole run folder once more from where it ran, or resume it there",
            )
        _unpack(repository.git, data)
        for tree_id in trees:
            ref = f"{REFS}/{run_id}/snapshots/{tree_id}"
            repository.git.run("update-ref", ref, tree_id)


def _base_ref(run_id: str) -> str:
    return f"{REFS}/{run_id}/base"


def _missing(git: SafeGit, trees: Sequence[str]) -> tuple[str, ...]:
    wanted = [tree_id for tree_id in trees if is_object_name(tree_id)]
    asked = "".join(f"{tree_id}\n" for tree_id in wanted).encode("ascii")
    kinds = git.run("cat-file", "--batch-check=%(objecttype)", stdin=asked).split(b"\n")
    found = {name for name, kind in zip(wanted, kinds, strict=False) if kind == b"tree"}
    return tuple(tree_id for tree_id in trees if tree_id not in found)


def _listed(git: SafeGit, trees: Sequence[str], *, base_sha: str) -> list[bytes]:
    """Return object name and path of everything in the states that is not in the base."""
    spec = "".join(f"{name}\n" for name in (*trees, f"^{base_sha}^{{tree}}"))
    listed = git.run("rev-list", "--objects", "--stdin", stdin=spec.encode("ascii"))
    return [line for line in listed.split(b"\n") if line]


def _plain_bytes(git: SafeGit, listed: list[bytes]) -> int:
    names = b"".join(line.partition(b" ")[0] + b"\n" for line in listed)
    sizes = git.run("cat-file", "--batch-check=%(objectsize)", stdin=names).split()
    return sum(map(int, sizes))


def _unpack(git: SafeGit, data: bytes) -> str:
    """Put a pack's objects into git's store, each checked; return why not, or ""."""
    options = ("--stdin", "--fix-thin", "--strict", f"--max-input-size={MAX_PACK_BYTES}")
    status, _, err = git.attempt("index-pack", *options, stdin=data)
    return f"it is damaged ({complaint(err) or 'git gave no reason'})" if status else ""


def _misfit(git: SafeGit, trees: Sequence[str], *, base_sha: str) -> str:
    missing = _missing(git, trees)
    if missing:
        return f"the state {missing[0]} is not in it"
    if _plain_bytes(git, _listed(git, trees, base_sha=base_sha)) > MAX_PLAIN_BYTES:
        return f"unpacked, it has more than {MAX_PLAIN_BYTES // _MEBI} MiB"
    return ""


def _quoted(path: Path) -> str:
    """Return a path quoted for git's list of object folders."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
