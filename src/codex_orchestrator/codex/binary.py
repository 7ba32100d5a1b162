"""Which Codex binary is used, and whether it is one that this toolkit was tested with."""

import os
import re
import shutil
import subprocess
from tempfile import TemporaryDirectory
from typing import NamedTuple

from codex_orchestrator.model.errors import InputError, NotCheckedError
from codex_orchestrator.system.installed import install_command, missing_extra
from codex_orchestrator.text.names import search_path

TESTED_FROM = (0, 163, 0)
TESTED_BELOW = (0, 170, 0)
_VERSION = re.compile(r"\bcodex-cli (\d+\.\d+\.\d+\S*)")
_START_TIMEOUT_S = 30


class CodexBinary(NamedTuple):
    """A Codex binary: where it is, its version, and folders that its tools lie in."""

    path: str
    version: str
    tool_dirs: tuple[str, ...] = ()

    @property
    def is_tested(self) -> bool:
        """Say whether the version lies in the tested range."""
        numbers = tuple(int(part) for part in re.findall(r"\d+", self.version)[:3])
        return TESTED_FROM <= numbers < TESTED_BELOW


def supported_range() -> str:
    """Return the tested versions as text, `>=0.163.0,<0.170.0`."""
    lower, upper = (".".join(map(str, edge)) for edge in (TESTED_FROM, TESTED_BELOW))
    return f">={lower},<{upper}"


def find_codex(configured: str = "") -> CodexBinary:
    """Find Codex: the configured path, else what `openai-codex` brings, else `codex` on PATH.

    Args:
        configured: `codex.path` of the configuration; "" when it is not set.

    Raises:
        InputError: the configured path is not an executable file.
        MissingExtraError: there is no Codex at all.
        NotCheckedError: the file does not run, or prints no Codex version.
    """
    if configured:
        path = os.path.expanduser(configured)
        if not os.path.isfile(path) or not os.access(path, os.X_OK):
            raise InputError(
                f"{configured!r} is not an executable file",
                field="codex.path",
                fix="name the codex binary, or leave codex.path empty",
            )
        return CodexBinary(path, _version_of(path))
    if bundled := _bundled():
        return bundled
    found = shutil.which("codex", path=search_path(os.environ))
    if not found:
        raise missing_extra("codex", needed_for="Codex")
    return CodexBinary(found, _version_of(found))


def require_tested(binary: CodexBinary) -> CodexBinary:
    """Return the binary when its version is a tested one.

    Raises:
        NotCheckedError: it is not; such a version may treat our settings in another way.
    """
    if binary.is_tested:
        return binary
    raise NotCheckedError(
        f"{binary.path} is Codex {binary.version}; this toolkit is tested with {supported_range()}",
        fix=f"{install_command('codex')} and leave codex.path empty, or set codex.path to a "
        "tested version",
    )


def _bundled() -> CodexBinary | None:
    try:
        import codex_cli_bin  # type: ignore[import-untyped]  # it carries a file, not types
    except ImportError:
        return None
    path, tools = str(codex_cli_bin.bundled_codex_path()), codex_cli_bin.bundled_path_dir()
    return CodexBinary(path, _version_of(path), (str(tools),) if tools else ())


def _version_of(path: str) -> str:
    # Codex makes folders in its home even to print its version; root could make them anywhere.
    with TemporaryDirectory(prefix="codex-orchestrator-") as home:
        try:
            done = subprocess.run(
                [path, "--version"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_START_TIMEOUT_S,
                env={"PATH": search_path(os.environ), "HOME": home},
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotCheckedError(
                f"{path} does not run: {error}", fix=install_command("codex")
            ) from error
    match = _VERSION.search(done.stdout)
    if not match:
        raise NotCheckedError(
            f"{path} --version does not name a Codex version", fix=install_command("codex")
        )
    return match.group(1)
