"""The port to what the user's repository holds, in its commits and in its index."""

from typing import Protocol


class Repository(Protocol):
    """Looks into the repository and changes nothing."""

    def is_tracked(self, path: str) -> bool:
        """Say whether the checkout's index holds a file, or something below a folder."""
        ...

    def file_at(self, commit: str, path: str) -> bytes | None:
        """Return a regular file's bytes in a commit; None when there is none of that name."""
        ...
