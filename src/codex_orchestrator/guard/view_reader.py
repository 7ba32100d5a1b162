"""The reader: git's calls for one view, all started before anything else is loaded or read."""

from codex_orchestrator.guard.views import View
from codex_orchestrator.model.config_file import CONFIG_FILES
from codex_orchestrator.system.git import Git, GitQuery
from codex_orchestrator.text.lean_typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from codex_orchestrator.system.git_objects import Blobs

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
        self.diff: GitQuery | None = None
        self.listing: GitQuery | None = None
        if has_lists:
            names: tuple[str, ...] = self.folders
            if not view.is_audit:
                self.diff = git.start(*view.diff_args())
                names = (*names, *CONFIG_FILES)
            self.listing = git.start(*view.listing_args(names))
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
        for query in (self.diff, self.listing):
            if query is not None:
                self.git.abandon(query)
        if self._blobs is not None:
            self._blobs.close()

    def raw_diff(self) -> bytes:
        """Return git's list of changes; to be called once."""
        query, self.diff = self.diff, None
        return self.git.finish(query) if query is not None else b""

    def raw_listing(self) -> bytes:
        """Return git's list of the configuration files and of those below the usual folders."""
        query, self.listing = self.listing, None
        return self.git.finish(query) if query is not None else b""

    def list_below(self, folders: tuple[str, ...]) -> bytes:
        """Return git's list of the head's files below folders."""
        return self.git.run(*self.view.listing_args(folders))
