"""What the tools of the workspace server answer. Every size is bounded."""

from pydantic import Field

from codex_orchestrator.model.document import Document


class FileText(Document):
    """Lines of one file."""

    path: str
    text: str = Field(description="The lines asked for.")
    first_line: int
    last_line: int
    total_lines: int
    is_cut: bool = Field(description="The file goes on after last_line; ask for the rest.")
    is_lossy: bool = Field(description="Not UTF-8: some bytes are shown as U+FFFD.")


class FileList(Document):
    """Names of files."""

    paths: tuple[str, ...]
    total: int = Field(description="How many match; more than are listed when is_cut.")
    is_cut: bool


class SearchHit(Document):
    """One line that matched."""

    path: str
    line: int
    text: str


class SearchHits(Document):
    """Lines that matched."""

    hits: tuple[SearchHit, ...]
    is_cut: bool = Field(description="There are more; search with a narrower pattern or path.")


class ChangedFile(Document):
    """One file that a patch changed."""

    path: str
    action: str = Field(description="added, updated or deleted")


class Patched(Document):
    """What a patch did."""

    files: tuple[ChangedFile, ...]


class DiffText(Document):
    """The change against the commit that the work started from."""

    paths: tuple[str, ...]
    added_lines: int
    removed_lines: int
    diff: str = Field(description="Unified diff, for the paths asked for.")
    is_cut: bool = Field(description="The diff is longer; ask for single paths.")
