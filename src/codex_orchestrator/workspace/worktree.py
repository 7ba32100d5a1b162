"""The workspace: gives each run a git work tree of its own and runs checks in it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from codex_orchestrator.model.check import CheckCommand, CheckResult
from codex_orchestrator.model.config import DEFAULT_AUTHOR, SetupConfig
from codex_orchestrator.model.confinement import Network
from codex_orchestrator.system.environment import child_environment
from codex_orchestrator.system.output import Redaction, unchanged
from codex_orchestrator.system.sandbox.probe import Layers, probe_layers
from codex_orchestrator.workspace.baselines import (
    KeptBaseline,
    baseline_key,
    load_baseline,
    save_baseline,
)
from codex_orchestrator.workspace.checks import run_check
from codex_orchestrator.workspace.commit import require_new_branch
from codex_orchestrator.workspace.own_trees import FILE_SETTINGS, OwnTrees, hide_paths
from codex_orchestrator.workspace.provided import Provided, let_stay
from codex_orchestrator.workspace.setup import set_up
from codex_orchestrator.workspace.setup_commands import Commands, Means
from codex_orchestrator.workspace.stray_refs import RefChange, take_back_refs
from codex_orchestrator.workspace.tree import GitWorkTree


class GitWorkspace(OwnTrees):
    """Work trees of one repository. The user's checkout and index are never touched."""

    def __init__(
        self,
        repo: Path,
        *,
        clock: Callable[[], str],
        environ: Mapping[str, str],
        scratch: Path | None = None,
        author: str = DEFAULT_AUTHOR,
        redact: Redaction = unchanged,
        layers: Layers = probe_layers,
        network: Network = Network.LOOPBACK,
    ) -> None:
        """Open a repository.

        Args:
            repo: a folder in it.
            clock: the present moment, for commits.
            environ: our environment; checks get an allow-list of it.
            scratch: the folder for work trees; None for one in the user's cache.
            author: who signs the commits.
            redact: masks secrets in logs.
            layers: what checks can be contained with here; asked when there is one to run.
            network: what checks may reach.
        """
        super().__init__(
            repo, clock=clock, environ=environ, scratch=scratch, author=author, redact=redact
        )
        self._layers = layers
        self._network = network
        self._renewals: dict[Path, Callable[[], Provided]] = {}

    def require_new_branch(self, branch: str) -> None:
        """Check that a run could end with a branch of this name; see `commit.require_new_branch`.

        Raises:
            InputError: the name is not valid, or another branch is in its way.
            NotCheckedError: git cannot make it for another reason.
        """
        require_new_branch(self._repository.git, branch, commit=self.head_sha())

    def set_up(
        self, tree: GitWorkTree, config: SetupConfig, *, log_dir: Path, deadline_s: float = 1800
    ) -> tuple[GitWorkTree, Provided]:
        """Put into a work tree what a checkout has beyond what git holds; see `setup.set_up`.

        Before each check, what was changed of it since is made again.

        Args:
            tree: the work tree, as its base has it.
            config: what work trees need beyond what git holds.
            log_dir: where the logs of commands go.
            deadline_s: seconds that each command has.

        Returns:
            The tree that leaves it out of every change, and what was put there.
        """
        means = Means(
            *(self._environ, self._layers, self._network, self._redact, self._kept_setups)
        )
        commands = Commands(
            *(tree, config, means, log_dir, deadline_s, self._git_places[tree.root])
        )
        renew = partial(set_up, commands, self._repository, FILE_SETTINGS)
        self._renewals[tree.root] = renew
        provided = renew()
        filled = provided.facts.submodules
        paths = tuple(path for path in provided.paths if path not in filled)
        hide_paths(tree.root.parent, paths)
        return replace(tree, provided=paths), provided

    def run_check(
        self, root: Path, command: CheckCommand, *, log_dir: Path, deadline_s: float
    ) -> CheckResult:
        """Run one check, contained; all its processes are gone when this returns.

        Args:
            root: the folder that it runs in.
            command: what is run; `{log_dir}` in an argument stands for the log folder.
            log_dir: where its log is kept.
            deadline_s: seconds that the run still has.
        """
        if (renew := self._renewals.get(root)) and root.is_dir():
            renew()
        return run_check(
            root,
            command,
            log_dir=log_dir,
            deadline_s=deadline_s,
            env=child_environment(self._environ),
            layers=self._layers(),
            network=self._network,
            git=self._git_places.get(root),
            redact=self._redact,
        )

    def let_stay(self, root: Path, names: Sequence[str]) -> tuple[str, ...]:
        """Let what commands of a task installed into provided folders stay; return those folders.

        Args:
            root: the work tree.
            names: names of folders that commands may install into.
        """
        return let_stay(root.parent, root, names)

    def variables(self, names: Sequence[str]) -> dict[str, str]:
        """Return those of some variables of our environment that are set."""
        return {name: self._environ[name] for name in names if name in self._environ}

    def take_back_refs(self, logs: Path, *, ours: str) -> tuple[tuple[RefChange, bool], ...]:
        """Bring refs back that commands of a run changed; see `stray_refs.take_back_refs`."""
        common_dir = self._repository.common_dir
        return take_back_refs(common_dir, environ=self._environ, logs=logs, ours=ours)

    def baseline_key(
        self,
        base_sha: str,
        commands: Sequence[CheckCommand],
        *,
        root: Path,
        surroundings: Sequence[str] = (),
    ) -> str:
        """Return what the results of checks at a commit are kept by; they name a work tree."""
        layers = self._layers()
        return baseline_key(
            self.tree_of(base_sha),
            commands,
            root=root,
            environment=child_environment(self._environ),
            facts=(*layers.works, layers.bubblewrap, self._network, *surroundings),
        )

    def kept_baseline(self, key: str) -> KeptBaseline | None:
        """Return the results of checks that are kept by a key; None when there are none."""
        return load_baseline(self._baselines, key)

    def keep_baseline(self, key: str, kept: KeptBaseline) -> None:
        """Keep the results of checks, to be used by later runs."""
        save_baseline(self._baselines, key, kept, redact=self._redact)

    @property
    def _baselines(self) -> Path:
        return self._folder.with_name(f"{self._folder.name}-baselines")

    @property
    def _kept_setups(self) -> Path:
        return self._folder.with_name(f"{self._folder.name}-setups")
