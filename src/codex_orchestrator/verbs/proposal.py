"""What `init` would do: each file with its change, and why."""

import difflib
from typing import Literal, NamedTuple

from codex_orchestrator.verbs.code_globs import CodeGlob


class Proposed(NamedTuple):
    """One file: what is to be done with it and why, its bytes before and after, lines to paste."""

    path: str
    action: Literal["create", "extend", "keep", "leave out"]
    hint: str = ""
    before: bytes = b""
    after: bytes = b""
    paste: str = ""

    @property
    def diff(self) -> str:
        """The change as a unified diff; "" for none."""
        if self.before == self.after:
            return ""
        old, new = (
            data.decode("utf-8", "backslashreplace").splitlines(keepends=True)
            for data in (self.before, self.after)
        )
        name = f"a/{self.path}" if self.action == "extend" else "/dev/null"
        lines = difflib.unified_diff(old, new, name, f"b/{self.path}")
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


class Proposal(NamedTuple):
    """All that `init` would do, why the code is the code, and the commands that come next."""

    files: tuple[Proposed, ...]
    code: tuple[CodeGlob, ...]
    adapter: str
    next: tuple[str, ...]
