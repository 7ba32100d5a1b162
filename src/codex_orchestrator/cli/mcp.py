"""`mcp`: the MCP servers as commands."""

import gc
import os
import shutil
import signal
import tempfile
from pathlib import Path
from types import FrameType
from typing import NoReturn, TypeVar

import click
from pydantic import TypeAdapter, ValidationError

from codex_orchestrator.compose.extras import extra
from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.policy import Policy

_MAX_BYTES = 1024 * 1024
_Value = TypeVar("_Value")


class _Servers(click.Group):
    """Loads a server's module when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the servers."""
        return sorted([*super().list_commands(ctx), "codex"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of one server."""
        if cmd_name == "codex":
            from codex_orchestrator.cli.mcp_codex import codex

            return codex
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Servers)
def mcp() -> None:
    """MCP servers over stdio."""


_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


_EXAMPLES = """\b
Examples:
  codex-orchestrator mcp workspace --root ../tree --policy policy.json --checks checks.json
  codex-orchestrator mcp workspace --root . --policy policy.json --read-only
"""


@mcp.command(epilog=_EXAMPLES)
@click.option("--root", required=True, metavar="DIR", type=_FOLDER, help="The git work tree.")
@click.option(
    "--policy", required=True, metavar="FILE", type=_FILE, help="What agents may do, as JSON."
)
@click.option("--checks", metavar="FILE", type=_FILE, help="Checks that may be run, as JSON.")
@click.option("--log-dir", metavar="DIR", type=_FOLDER, help="Folder for the logs of checks.")
@click.option("--decisions", metavar="FILE", type=_FILE, help="Gets a JSON line per decision.")
@click.option("--uses", metavar="FILE", type=_FILE, help="Gets a JSON line per applied pattern.")
@click.option(
    "--library-root",
    metavar="DIR",
    type=_FOLDER,
    help="Repository whose patterns are used beside the built-in ones (default: the work tree).",
)
@click.option("--read-only", is_flag=True, help="Offer no tool that changes or runs anything.")
def workspace(
    *,
    root: Path,
    policy: Path,
    checks: Path | None,
    log_dir: Path | None,
    decisions: Path | None,
    uses: Path | None,
    library_root: Path | None,
    read_only: bool,
) -> None:
    """Offer one git work tree to MCP clients: read, search, patch, check, diff."""
    allowed = _load(policy, TypeAdapter(Policy))
    commands = _load(checks, TypeAdapter(tuple[CheckCommand, ...])) if checks else ()
    # A fifth of the start goes into collecting garbage among modules that stay for ever.
    gc.disable()
    with extra("agents", needed_for="the workspace server"):
        from codex_orchestrator.servers.workspace import serve_stdio
    from codex_orchestrator.compose.servers import open_tools

    gc.freeze()
    gc.enable()
    # A check that still runs at the end may write into the folder while it is removed.
    with tempfile.TemporaryDirectory(
        prefix="codex-orchestrator-mcp-", ignore_cleanup_errors=True
    ) as private:
        _end_on_signals(private)
        tools = open_tools(
            root,
            policy=allowed,
            checks=commands,
            environ=os.environ,
            private=Path(private),
            log_dir=log_dir or Path(private) / "logs",
            library_root=library_root or root,
            decisions=decisions,
            uses=uses,
        )
        serve_stdio(tools, is_read_only=read_only)


def _end_on_signals(private: str) -> None:
    def end(number: int, _frame: FrameType | None) -> NoReturn:
        # The thread that reads stdin cannot be woken, so the process ends here and now. The
        # keeper of a running check sees that and ends the check.
        shutil.rmtree(private, ignore_errors=True)
        os._exit(128 + number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)


def _load(path: Path, kind: TypeAdapter[_Value]) -> _Value:
    """Read a JSON file of a known form.

    Raises:
        InputError: names the file and the field.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=str(path)) from error
    if len(data) > _MAX_BYTES:
        raise InputError(f"has more than {_MAX_BYTES} bytes", path=str(path))
    try:
        return kind.validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InputError(
            first["msg"], path=str(path), field=".".join(map(str, first["loc"]))
        ) from error
