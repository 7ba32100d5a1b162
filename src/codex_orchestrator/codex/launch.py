"""How another process starts the MCP bridge."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from codex_orchestrator.codex.hardening import codex_environment
from codex_orchestrator.codex.key_channel import offer_key
from codex_orchestrator.model.engine import ModelEndpoint
from codex_orchestrator.model.server import BridgeRequest, ServerCommand

# The shortest limit that the bridge accepts; a run with less time left is ended by its own limit.
_SHORTEST_TURN_S = 0.1


@contextmanager
def bridge_launch(
    request: BridgeRequest, endpoint: ModelEndpoint, *, codex_path: str = ""
) -> Iterator[ServerCommand]:
    """Yield the command of a bridge, and offer it the key while the context is open.

    The key is given once, to the first process that asks. Open one context for each start.

    Args:
        request: what the bridge is to do.
        endpoint: the model of calls that name none, and where every model is asked.
        codex_path: `codex.path` of the configuration.
    """
    with ExitStack() as stack:
        # -P: a module in the work tree must never be imported in place of ours.
        argv = [sys.executable, "-P", "-m", "codex_orchestrator", "mcp", "codex"]
        argv += ["--root", str(request.root), "--model", endpoint.model]
        argv += ["--base-url", endpoint.base_url]
        argv += ["--timeout", str(max(request.timeout_s, _SHORTEST_TURN_S))]
        argv += ["--tokens", str(request.tokens)] if request.tokens is not None else []
        argv += [part for entry in request.approvals for part in ("--approve", entry)]
        if codex_path:
            argv += ["--codex", codex_path]
        if request.decisions is not None:
            argv += ["--decisions", str(request.decisions)]
        if endpoint.key is not None:
            argv += ["--key-socket", str(stack.enter_context(offer_key(endpoint.key)))]
        environment = codex_environment(os.environ, home=os.environ.get("HOME", "/"))
        yield ServerCommand(tuple(argv), environment, str(request.root))
