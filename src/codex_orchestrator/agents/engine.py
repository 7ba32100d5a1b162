"""The engine: starts what the four agents of a run need, and ends it with the run."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import agents
from anyio.from_thread import start_blocking_portal

from codex_orchestrator import __version__
from codex_orchestrator.agents.codex_calls import CodexCalls
from codex_orchestrator.agents.decisions import DecisionLog
from codex_orchestrator.agents.events import EventHooks, EventSink
from codex_orchestrator.agents.models import open_model, require_server
from codex_orchestrator.agents.roles import CODEX_TOOLS, make_roles, workspace_offers
from codex_orchestrator.agents.team import SdkAgentTeam
from codex_orchestrator.agents.tool_server import (
    Mask,
    ServerFiles,
    ToolServer,
    enter_server,
    write_server_files,
)
from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.engine import ModelEndpoint
from codex_orchestrator.model.manifest import Engine
from codex_orchestrator.model.policy import Policy, Rails
from codex_orchestrator.model.server import BridgeRequest, ServerCommand
from codex_orchestrator.model.spending import Spending


class Codex(NamedTuple):
    """Codex as builder: its version, and how a bridge to it is opened."""

    version: str
    open_bridge: Callable[[BridgeRequest], AbstractContextManager[ServerCommand]]


@dataclass(frozen=True)
class SdkAgentEngine:
    """Runs the four agents on the OpenAI Agents SDK, with tools over MCP.

    Args:
        endpoint: which model, and where it is asked.
        server: the command of the workspace server, up to its options.
        environment: all that the server inherits.
        library: the folder that user patterns are read from.
        codex: None lets the builder write by the workspace server's own tools.
    """

    endpoint: ModelEndpoint
    server: tuple[str, ...]
    environment: dict[str, str]
    library: Path
    codex: Codex | None = None

    def __post_init__(self) -> None:
        require_server(self.endpoint)
        # Our own errors report these failures, with an exit code and a fix.
        logging.getLogger("openai.agents").addHandler(logging.NullHandler())
        agents.set_tracing_disabled(True)

    def describe(self) -> Engine:
        """Return what does the work, with versions."""
        codex = self.codex
        return Engine(
            toolkit=__version__,
            agents_sdk=agents.version.__version__,
            model=self.endpoint.model,
            builder="codex" if codex else "workspace",
            codex=codex.version if codex else "",
        )

    @contextmanager
    def open(
        self,
        *,
        root: Path,
        git_dir: Path,
        log_dir: Path,
        policy: Policy,
        checks: Sequence[CheckCommand],
        rails: Rails,
        spending: Spending,
        on_event: EventSink,
    ) -> Iterator[SdkAgentTeam]:
        """Start servers and model client, and yield the team; all of it ends with the context."""
        with (
            # Beside the work tree: what a killed run leaves of it is removed with the tree.
            TemporaryDirectory(prefix="agents-", dir=root.parent) as private,
            start_blocking_portal() as portal,
            ExitStack() as stack,
        ):
            files = write_server_files(Path(private), policy, checks)
            opened = open_model(self.endpoint, spending=spending)
            model = stack.enter_context(portal.wrap_async_context_manager(opened))
            server = self._workspace_server(
                files, root=root, git_dir=git_dir, log_dir=log_dir, mask=rails.mask
            )
            workspace = enter_server(stack, portal, server)
            calls = CodexCalls(spending)
            codex = None
            if self.codex:
                request = BridgeRequest(
                    root,
                    _approvals(policy),
                    files.decisions,
                    timeout_s=spending.stage()(),
                    tokens=spending.tokens_left,
                )
                command = stack.enter_context(self.codex.open_bridge(request))
                offers = {"builder": CODEX_TOOLS}
                server = ToolServer(
                    "codex",
                    command,
                    offers=offers,
                    log=files.log,
                    mask=rails.mask,
                    on_answer=calls.note,
                )
                codex = enter_server(stack, portal, server)
            decisions = DecisionLog(files.decisions, files.uses)
            yield SdkAgentTeam(
                make_roles(model, workspace=workspace, codex=codex, rails=rails),
                portal,
                spending=spending,
                decisions=decisions,
                hooks=EventHooks(on_event, spending=spending, codex=calls, decisions=decisions),
                rails=rails,
            )

    def _workspace_server(
        self, files: ServerFiles, *, root: Path, git_dir: Path, log_dir: Path, mask: Mask
    ) -> ToolServer:
        argv = (
            *self.server,
            *("--root", str(root)),
            # Not what a check may have put in place of the tree's `.git` by then.
            *("--git-dir", str(git_dir)),
            *("--policy", str(files.policy)),
            *("--checks", str(files.checks)),
            *("--decisions", str(files.decisions)),
            *("--uses", str(files.uses)),
            *("--log-dir", str(log_dir)),
            *("--library-root", str(self.library)),
        )
        return ToolServer(
            "workspace",
            ServerCommand(argv, self.environment, str(root)),
            offers=workspace_offers(has_codex=self.codex is not None),
            log=files.log,
            mask=mask,
        )


def _approvals(policy: Policy) -> tuple[str, ...]:
    return (
        *(f"edit:{path}" for path in policy.approved_edits),
        *(f"run:{command}" for command in policy.approved_runs),
    )
