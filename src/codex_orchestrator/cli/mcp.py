"""`mcp`: the MCP servers as commands."""

import gc
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TypeVar

import click
from pydantic import TypeAdapter, ValidationError

from codex_orchestrator.compose.extras import extra
from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.config import OPENAI_URL
from codex_orchestrator.model.document import problems_of
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.policy import Policy
from codex_orchestrator.model.server import BridgeRequest
from codex_orchestrator.system.files import read_given
from codex_orchestrator.system.installed import missing_extra

_MAX_BYTES = 1024 * 1024
_Value = TypeVar("_Value")


@click.group()
def mcp() -> None:
    """MCP servers over stdio."""


_file_option = partial(
    click.option, metavar="FILE", type=click.Path(dir_okay=False, path_type=Path)
)
_folder_option = partial(
    click.option, metavar="DIR", type=click.Path(file_okay=False, path_type=Path)
)
_EXAMPLES = """\b
Examples:
  codex-orchestrator mcp workspace --root ../tree --policy policy.json --checks checks.json
  codex-orchestrator mcp workspace --root . --policy policy.json --read-only
"""


@mcp.command(epilog=_EXAMPLES)
@_folder_option("--root", required=True, help="The git work tree.")
@_folder_option("--git-dir", help="Its git folder (default: the one that `.git` names).")
@_file_option("--policy", required=True, help="What agents may do, as JSON.")
@_file_option("--checks", help="Checks that may be run, as JSON.")
@_folder_option("--log-dir", help="Folder for the logs of checks.")
@_file_option("--decisions", help="Gets a JSON line per decision.")
@_file_option("--uses", help="Gets a JSON line per applied pattern.")
@_folder_option(
    "--library-root",
    help="Repository whose patterns are used besides the built-in ones (default: the work tree).",
)
@click.option("--read-only", is_flag=True, help="Offer no tool that changes or runs anything.")
def workspace(
    *,
    root: Path,
    git_dir: Path | None,
    policy: Path,
    checks: Path | None,
    log_dir: Path | None,
    decisions: Path | None,
    uses: Path | None,
    library_root: Path | None,
    read_only: bool,
) -> None:
    """Give MCP clients access to a git work tree: read, search, patch, check, diff."""
    allowed = _load(policy, TypeAdapter(Policy))
    commands = _load(checks, TypeAdapter(tuple[CheckCommand, ...])) if checks else ()
    with _modules_that_stay():
        with extra("agents", needed_for="the workspace server"):
            from codex_orchestrator.servers.workspace import serve_stdio
        from codex_orchestrator.compose.servers import open_tools
    # A check that is still running may write to the folder while it is removed.
    with tempfile.TemporaryDirectory(
        prefix="codex-orchestrator-mcp-", ignore_cleanup_errors=True
    ) as private:
        _end_on_signals(partial(shutil.rmtree, private, ignore_errors=True))
        tools = open_tools(
            root,
            git_dir=git_dir,
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


_CODEX_EXAMPLES = """\b
Examples:
  codex-orchestrator mcp codex --root . --model gpt-5.5 --key-fd 3 3< <(pass show openai)
  codex-orchestrator mcp codex --root . --model local --base-url http://127.0.0.1:8000/v1
"""


@mcp.command(epilog=_CODEX_EXAMPLES)
@_folder_option(
    "--root",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder that must contain every cwd.",
)
@click.option("--model", required=True, help="Model for calls that name none.")
@click.option(
    "--base-url",
    metavar="URL",
    envvar="OPENAI_BASE_URL",
    default=OPENAI_URL,
    show_default=True,
    help="Responses API, up to /v1.",
)
@click.option("--codex", "codex_path", metavar="FILE", default="", help="Codex binary to use.")
@click.option("--key-socket", metavar="FILE", default="", help="Socket that offers the model key.")
@click.option(
    "--key-fd",
    metavar="N",
    type=click.IntRange(min=3),
    help="File descriptor to read the key from.",
)
@click.option(
    "--timeout",
    "timeout_s",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1),
    default=600.0,
    show_default=True,
    help="Time limit of a turn.",
)
@click.option(
    "--tokens",
    metavar="N",
    type=click.IntRange(min=0),
    help="Tokens that all turns together may use; the turn that uses more is stopped.",
)
@click.option(
    "--approve", "approvals", metavar="KIND:VALUE", multiple=True, help="An approval of a person."
)
@_file_option("--decisions", help="Gets a JSON line per request to leave the sandbox.")
@click.option(
    "--retry-delay",
    "retry_delay_s",
    metavar="SECONDS",
    type=click.FloatRange(min=0.0),
    default=1.0,
    show_default=True,
    help="First wait when the model server is busy; it doubles four times.",
)
def codex(
    *,
    root: Path,
    timeout_s: float,
    tokens: int | None,
    approvals: tuple[str, ...],
    decisions: Path | None,
    **options: Any,
) -> None:
    """Offer Codex to MCP clients: the tools `codex` and `codex-reply`.

    The key comes from a file descriptor or a socket, never from an argument, the environment or a
    file. Without a key, Codex uses a server that needs none.
    """
    if find_spec("openai_codex") is None:
        raise missing_extra("codex", needed_for="the Codex bridge")
    with _modules_that_stay(), extra("agents", needed_for="the Codex bridge"):
        from codex_orchestrator.servers.codex import serve_stdio
    import asyncio

    from codex_orchestrator.compose.servers import open_bridge

    request = BridgeRequest(root, approvals, decisions, timeout_s=timeout_s, tokens=tokens)
    bridge = open_bridge(request, **options)
    threading.Thread(target=bridge.warm_up, name="codex-start", daemon=True).start()
    _end_on_signals(bridge.close)
    try:
        asyncio.run(serve_stdio(bridge))
    finally:
        # A signal during closing would start it again.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        bridge.close()


@contextmanager
def _modules_that_stay() -> Iterator[None]:
    """Import without garbage collection, which would take a fifth of the start-up time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _end_on_signals(close: Callable[[], object]) -> None:
    def end(number: int, _frame: FrameType | None) -> NoReturn:
        # The thread that reads stdin cannot be interrupted, so the process exits immediately. The
        # supervisor of a running check notices and ends the check.
        close()
        os._exit(128 + number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)


def _load(path: Path, kind: TypeAdapter[_Value]) -> _Value:
    """Read a JSON file as a document.

    Raises:
        InputError: names the file and the field.
    """
    data = read_given(str(path), max_bytes=_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise InputError(f"has more than {_MAX_BYTES} bytes", path=str(path))
    try:
        return kind.validate_json(data)
    except ValidationError as error:
        problem = problems_of(error)[0]
        raise InputError(problem.message, path=str(path), field=problem.field) from error
