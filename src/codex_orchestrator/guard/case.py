"""A case: everything that the rules check. Built once for a check and never changed."""

from collections.abc import Callable
from functools import cached_property

from codex_orchestrator.guard.config import GuardConfig
from codex_orchestrator.guard.spec_edits import SpecEdit
from codex_orchestrator.guard.specs import Owners, Spec, SpecsByPath
from codex_orchestrator.guard.view_reader import ViewReader
from codex_orchestrator.system.git_output import SUBMODULE, SYMLINK, Change, Entry
from codex_orchestrator.text.globs import path_matcher


class Case:
    """What is checked, and with which configuration. `source` reads what rules want to see.

    `may_attest` says which specs agents may approve and widen, by path, because a person granted
    it; None where people made the change.
    """

    def __init__(
        self,
        *,
        source: ViewReader,
        config: GuardConfig,
        today: int,
        changes: tuple[Change, ...],
        specs: SpecsByPath,
        edits: tuple[SpecEdit, ...],
        may_attest: Callable[[str], bool] | None = None,
    ) -> None:
        self.source = source
        self.config = config
        self.today = today
        self.changes = changes
        self.specs = specs
        self.edits = edits
        self.may_attest = may_attest
        self.is_code = path_matcher(config.code)
        self.is_spec = path_matcher(config.specs)

    @property
    def is_audit(self) -> bool:
        """Return whether the whole repository is checked and not a change."""
        return self.source.view.is_audit

    @cached_property
    def owners(self) -> Owners:
        """The owners of paths, as of the head."""
        return Owners(self.specs.values())

    @cached_property
    def _owners_of_code(self) -> Owners:
        if self.is_audit or len(self.code) > 1000:
            return self.owners
        names = {name for change in self.code for name in matched_names(change)}
        return Owners(self.specs.near(names))

    @cached_property
    def code(self) -> tuple[Change, ...]:
        """The changed paths that are code."""
        return tuple(
            change
            for change in self.changes
            if self._is_code_path(change.path, change.old_mode, change.new_mode)
        )

    def is_code_file(self, entry: Entry) -> bool:
        """Return whether a tracked file is code."""
        return self._is_code_path(entry.path, entry.mode)

    def _is_code_path(self, path: str, *modes: str) -> bool:
        return not self.is_spec(path) and any(map(self.is_code, matched_name(path, *modes)))

    @cached_property
    def touched(self) -> frozenset[str]:
        """Paths of specs that the change adds or edits and that exist at the head."""
        return frozenset(edit.path for edit in self.edits if edit.after is not None)

    def owners_of(self, change: Change) -> list[Spec]:
        """Return the specs that own a changed path as of the head."""
        return self._owners_of_code.of(matched_names(change))


def matched_names(change: Change) -> tuple[str, ...]:
    """Return the names under which globs may match a changed path, before or after the change."""
    return matched_name(change.path, change.old_mode, change.new_mode)


def matched_name(path: str, *modes: str) -> tuple[str, ...]:
    """Return the names under which globs may match a path.

    A symlink or submodule stands for a folder: what is at `src` is also all that `src/**` means.
    """
    return (path, f"{path}/.") if SYMLINK in modes or SUBMODULE in modes else (path,)
