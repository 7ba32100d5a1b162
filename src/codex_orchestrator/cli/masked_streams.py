"""Standard output and error of a command, without the secrets of its environment."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TextIO, cast

from codex_orchestrator.text.secret_names import is_secret_name, is_url_name

if TYPE_CHECKING:
    from codex_orchestrator.text.secrets import Redactor


class _MaskedStream:
    """A stream that shows no secret. Bytes written to its `buffer` go through as they are."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._redactor: Redactor | None = None

    def write(self, text: str) -> int:
        """Write text, secrets masked."""
        return self._stream.write(self.masked(text))

    def masked(self, text: str) -> str:
        """Return text with secrets masked."""
        if self._redactor is None:
            # Asked when something is printed: a process that started itself again gets its
            # variables back only then.
            if not any(is_secret_name(name) or is_url_name(name) for name in os.environ):
                return text
            from codex_orchestrator.text.secrets import environment_redactor

            self._redactor = environment_redactor(os.environ, is_path=os.path.exists)
        return self._redactor.redact(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def masked_streams() -> Iterator[None]:
    """Mask the secrets of our environment in all that is printed meanwhile."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast("TextIO", _MaskedStream(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
