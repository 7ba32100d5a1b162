"""The reader: git's calls for one view, all started before anything else is loaded or read."""

from collections.abc import Callable

from codex_orchestrator.guard.views import View
from codex_orchestrator.model.config_file import CONFIG_FILES
from codex_orchestrator.system.git import Git, GitQuery
from codex_orchestrator.system.git_output import Change, Entry, parse_listing, parse_raw_diff
from codex_orchestrator.text.lean_typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from codex_orchestrator.system.git_objects import Blobs

MAX_READ_BYTES = 8 * 1024 * 1024
USUAL_FOLDERS = ("tasks/specs",)
"""Where specs are unless the configuration, which is not read yet, says otherwise."""


class ViewReader:
    """Git at work on one view: its changes, its files below some folders, and objects on demand.

    Without lists only objects can be asked for. A hook that finds all facts in its cache asks
    for no object: two git calls are all it needs.
    """

    def __init__(self, git: Git, view: View, *, has_lists: bool = True) -> None:
        self.git = git
        self.view = view
        self.folders: tuple[str, ...] = ("",) if view.is_audit else USUAL_FOLDERS
        self._diff: GitQuery | None = None
        self._listing: GitQuery | None = None
        if has_lists:
            names: tuple[str, ...] = self.folders
            if not view.is_audit:
                self._diff = git.start(*view.diff_args())
                names = (*names, *CONFIG_FILES)
            self._listing = git.start(*view.listing_args(names))
        self._blobs: Blobs | None = None

    @property
    def blobs(self) -> "Blobs":
        """Objects by name, through one git that is started when first needed."""
        if self._blobs is None:
            from codex_orchestrator.system.git_objects import Blobs

            self._blobs = Blobs(self.git)
        return self._blobs

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End what still runs."""
        for query in (self._diff, self._listing):
            if query is not None:
                self.git.abandon(query)
        if self._blobs is not None:
            self._blobs.close()

    def changes(self) -> tuple[Change, ...]:
        """Return the changes of the view; to be called once."""
        query, self._diff = self._diff, None
        return parse_raw_diff(self.git.finish(query)) if query is not None else ()

    def usual_listing(self) -> list[Entry]:
        """Return the configuration files and those below the usual folders; to be called once."""
        query, self._listing = self._listing, None
        return parse_listing(self.git.finish(query)) if query is not None else []

    def listing(self, folders: tuple[str, ...]) -> list[Entry]:
        """Return the head's files below folders."""
        return parse_listing(self.git.run(*self.view.listing_args(folders)))

    def has_file(self, folders: tuple[str, ...], is_meant: Callable[[Entry], bool]) -> bool:
        """Say whether the head has such a file below folders; git is ended at the first one."""
        rows = self.git.rows(*self.view.listing_args(folders))
        try:
            return any(any(map(is_meant, parse_listing(part))) for part in rows)
        finally:
            rows.close()

    def text(self, name: str) -> bytes | None:
        """Return the bytes of an object, cut at 8 MiB; None when it is not there."""
        answer = self.blobs.read(name, MAX_READ_BYTES)
        return answer[1] if answer else None

    def file_before(self, name: str) -> bytes | None:
        """Return the bytes of a file before the change; None when it was not there."""
        return self.text(f"{self.view.fork}:{name}")

    def file_after(self, name: str) -> bytes | None:
        """Return the bytes of a file after the change; None when it is not there."""
        return self.text(f"{self.view.snapshot}{name}")
