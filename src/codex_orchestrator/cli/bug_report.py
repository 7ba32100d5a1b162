"""The report file of a bug: traceback and versions, without secrets."""

import os
import platform
import tempfile
import traceback

from codex_orchestrator import __version__


def write_bug_report(error: BaseException, argv: list[str], folder: str) -> tuple[str, str]:
    """Write a report file into a folder and return the message and the fix to print.

    Values of environment variables that look like secrets are removed from the text.
    """
    from codex_orchestrator.text.secrets import environment_redactor

    text = "\n".join(
        [
            f"codex-orchestrator {__version__}, Python {platform.python_version()}",
            platform.platform(),
            f"command: {argv!r}",
            "",
            *traceback.format_exception(error),
        ]
    )
    redactor = environment_redactor(os.environ, is_path=os.path.exists)
    handle, path = tempfile.mkstemp(dir=folder, prefix="codex-orchestrator-bug-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write(redactor.redact(text))
    return (
        f"a bug of ours: {type(error).__name__}; report written to {path}",
        "please open an issue and attach that file",
    )
