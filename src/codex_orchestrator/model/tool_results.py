"""Results of the workspace server's tools. Every size is limited."""

from pydantic import Field

from codex_orchestrator.model.document import Document


class FileText(Document):
    """Lines of one file."""

    path: str
    text: str = Field(description="The requested lines.")
    first_line: int
    last_line: int
    total_lines: int
    is_cut: bool = Field(description="The file goes on after last_line; ask for the rest.")
    is_lossy: bool = Field(description="Not UTF-8: some bytes are shown as U+FFFD.")


class FileList(Document):
    """Names of files."""

    paths: tuple[str, ...]
    total: int = Field(description="How many files match; the list has fewer when is_cut.")
    is_cut: bool


class SearchHit(Document):
    """One line that matched."""

    path: str
    line: int
    text: str


class SearchHits(Document):
    """Matching lines."""

    hits: tuple[SearchHit, ...]
    is_cut: bool = Field(description="There are more; search with a narrower pattern or path.")


class ChangedFile(Document):
    """One file that a patch changed."""

    path: str
    action: str = Field(description="added, updated or deleted")


class Patched(Document):
    """The result of a patch."""

    files: tuple[ChangedFile, ...]


class DiffText(Document):
    """The difference from the commit that the work started from."""

    paths: tuple[str, ...]
    added_lines: int
    removed_lines: int
    diff: str = Field(description="Unified diff of the requested paths.")
    is_cut: bool = Field(description="The diff is longer; request single paths.")
