"""`mcp codex`: the bridge as a command."""

import asyncio
import gc
import os
import signal
import threading
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import click

from codex_orchestrator.compose.extras import extra
from codex_orchestrator.model.approval import parse_escalation
from codex_orchestrator.model.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from codex_orchestrator.codex.bridge import CodexBridge

EXAMPLES = """\b
Examples:
  codex-orchestrator mcp codex --root . --model gpt-5.5 --key-fd 3 3< <(pass show openai)
  codex-orchestrator mcp codex --root . --model local --base-url http://127.0.0.1:8000/v1
"""


@click.command(epilog=EXAMPLES)
@click.option(
    "--root",
    required=True,
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder that every cwd must lie in.",
)
@click.option("--model", required=True, help="Model of calls that name none.")
@click.option(
    "--base-url",
    metavar="URL",
    envvar="OPENAI_BASE_URL",
    default="https://api.openai.com/v1",
    show_default=True,
    help="Responses API, up to /v1.",
)
@click.option("--codex", "codex_path", metavar="FILE", default="", help="Codex binary to use.")
@click.option("--key-socket", metavar="FILE", default="", help="Socket that offers the model key.")
@click.option(
    "--key-fd", metavar="N", type=click.IntRange(min=3), help="Descriptor to read the key from."
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
    "--approve", "approvals", metavar="KIND:VALUE", multiple=True, help="What a person approved."
)
@click.option(
    "--decisions",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File that gets a JSON line for each request to leave the sandbox.",
)
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
    model: str,
    base_url: str,
    codex_path: str,
    key_socket: str,
    key_fd: int | None,
    timeout_s: float,
    tokens: int | None,
    approvals: tuple[str, ...],
    decisions: Path | None,
    retry_delay_s: float,
) -> None:
    """Offer Codex to MCP clients: the tools `codex` and `codex-reply`.

    The key comes from a descriptor or a socket, never from an argument, the environment or a
    file. Without a key, Codex talks to a server that wants none.
    """
    serve_stdio = _load_server()
    from codex_orchestrator.codex.binary import find_codex, require_tested
    from codex_orchestrator.codex.bridge import BridgeSettings, CodexBridge
    from codex_orchestrator.codex.escalation import Grants
    from codex_orchestrator.codex.hardening import provider_settings
    from codex_orchestrator.codex.key_channel import read_key, take_key
    from codex_orchestrator.system.closed_memory import close_memory

    close_memory()
    grants = Grants(tuple(parse_escalation(entry) for entry in approvals))
    binary = require_tested(find_codex(codex_path))
    provider_settings(base_url, has_key=False)  # a wrong address shows here, not in a call
    key = take_key(key_socket) if key_socket else None
    if key_fd is not None:
        key = read_key(key_fd)
    bridge = CodexBridge(
        BridgeSettings(
            binary=binary,
            root=root,
            model=model,
            key=key,
            base_url=base_url,
            timeout_s=timeout_s,
            tokens=tokens,
            grants=grants,
            decisions=decisions,
            retry_delay_s=retry_delay_s,
        )
    )

    threading.Thread(target=bridge.warm_up, name="codex-start", daemon=True).start()
    _close_on_signals(bridge)
    try:
        asyncio.run(serve_stdio(bridge))
    finally:
        # A signal in the middle of closing would begin it a second time.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        bridge.close()


def _load_server() -> "Callable[[CodexBridge], Coroutine[None, None, None]]":
    if find_spec("openai_codex") is None:
        raise MissingExtraError("codex", needed_for="the Codex bridge")
    # A fifth of the start goes into collecting garbage among modules that stay for ever.
    gc.disable()
    try:
        with extra("agents", needed_for="the Codex bridge"):
            from codex_orchestrator.servers.codex import serve_stdio
    finally:
        gc.freeze()
        gc.enable()
    return serve_stdio


def _close_on_signals(bridge: "CodexBridge") -> None:
    def stop(number: int, _frame: FrameType | None) -> NoReturn:
        # The thread that reads stdin cannot be woken, so the process ends here and now.
        bridge.close()
        os._exit(128 + number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
