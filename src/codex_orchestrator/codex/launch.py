"""How another process starts the MCP bridge; fits the Agents SDK's `MCPServerStdio` as it is."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from codex_orchestrator.codex.hardening import child_environment
from codex_orchestrator.codex.key_channel import offer_key
from codex_orchestrator.codex.session import DEFAULT_BASE_URL
from codex_orchestrator.model.credential import Secret

# What the bridge takes; who has less time is stopped by his own clock.
_SHORTEST_TURN_S = 0.1


class BridgeLaunch(NamedTuple):
    """The command of a bridge: argument list, the environment that it gets, and where it runs."""

    argv: tuple[str, ...]
    environment: dict[str, str]
    cwd: str

    def as_params(self) -> dict[str, Any]:
        """Return it as the `params` of `MCPServerStdio` or `StdioServerParameters`."""
        return {
            "command": self.argv[0],
            "args": list(self.argv[1:]),
            "env": self.environment,
            "cwd": self.cwd,
        }


@contextmanager
def bridge_launch(
    *,
    root: Path,
    key: Secret | None,
    model: str,
    base_url: str = DEFAULT_BASE_URL,
    codex_path: str = "",
    timeout_s: float = 600,
    tokens: int | None = None,
    approvals: Sequence[str] = (),
    decisions: Path | None = None,
) -> Iterator[BridgeLaunch]:
    """Yield the command of a bridge, and offer it the key while the context is open.

    The key is given once, to the first process that asks. Open one context for each start.

    Args:
        root: folder that every `cwd` must lie in.
        key: the model key; None for a server that wants none.
        model: the model of calls that name none.
        base_url: address of the Responses API, up to `/v1`.
        codex_path: `codex.path` of the configuration.
        timeout_s: seconds after which a turn is interrupted.
        tokens: how many tokens all turns together may use; None for no bound.
        approvals: what a person approved, `run:ARGV0` and `edit:PATH`.
        decisions: file that gets a JSON line for each request to leave the sandbox.
    """
    with ExitStack() as stack:
        # -P: a module in the work tree must never be imported in place of ours.
        argv = [sys.executable, "-P", "-m", "codex_orchestrator", "mcp", "codex"]
        argv += ["--root", str(root), "--model", model, "--base-url", base_url]
        argv += ["--timeout", str(max(timeout_s, _SHORTEST_TURN_S))]
        argv += ["--tokens", str(tokens)] if tokens is not None else []
        argv += [part for entry in approvals for part in ("--approve", entry)]
        if codex_path:
            argv += ["--codex", codex_path]
        if decisions is not None:
            argv += ["--decisions", str(decisions)]
        if key is not None:
            argv += ["--key-socket", str(stack.enter_context(offer_key(key)))]
        environment = child_environment(os.environ, home=os.environ.get("HOME", "/"))
        yield BridgeLaunch(tuple(argv), environment, str(root))
