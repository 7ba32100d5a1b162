"""The engine: starts what four agents need for one run, and ends all of it with the run."""

import secrets as randomness
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import agents
from anyio.from_thread import start_blocking_portal

from codex_orchestrator import __version__
from codex_orchestrator.agents.decisions import DecisionLog
from codex_orchestrator.agents.events import EventSink
from codex_orchestrator.agents.guardrails import (
    protected_path_guardrail,
    secret_guardrail,
    spec_guardrail,
)
from codex_orchestrator.agents.models import open_model, require_key
from codex_orchestrator.agents.roles import Guardrails, make_roles
from codex_orchestrator.agents.team import SdkAgentTeam
from codex_orchestrator.agents.workspace_server import (
    ServerFiles,
    WorkspaceServer,
    enter_server,
    write_server_files,
)
from codex_orchestrator.model.approval import Policy
from codex_orchestrator.model.check import CheckCommand
from codex_orchestrator.model.credential import Secret
from codex_orchestrator.model.manifest import Engine
from codex_orchestrator.model.rails import Rails
from codex_orchestrator.model.task import Task

REQUEST_TIMEOUT_S = 600.0


class EngineSettings(NamedTuple):
    """Which model, where, and how the workspace server is started.

    `server` is the command up to its options; `environment` is all that the server inherits.
    `library` is the folder that user patterns are read from.
    """

    model: str
    base_url: str
    key: Secret | None
    server: tuple[str, ...]
    environment: dict[str, str]
    library: Path


class SdkAgentEngine:
    """Runs the four agents on the OpenAI Agents SDK, with tools from the workspace server."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        require_key(settings.model, base_url=settings.base_url, key=settings.key)
        agents.set_tracing_disabled(True)

    def describe(self) -> Engine:
        """Return what does the work, with versions."""
        return Engine(
            toolkit=__version__,
            agents_sdk=agents.version.__version__,
            model=self._settings.model,
            builder="workspace",
        )

    @contextmanager
    def open(
        self,
        task: Task,
        *,
        root: Path,
        run_dir: Path,
        policy: Policy,
        checks: Sequence[CheckCommand],
        rails: Rails,
        on_event: EventSink,
    ) -> Iterator[SdkAgentTeam]:
        """Start the workspace server and yield the team; both end with the context."""
        with (
            TemporaryDirectory(prefix="codex-orchestrator-") as private,
            start_blocking_portal() as portal,
            ExitStack() as stack,
        ):
            files = write_server_files(Path(private), policy, checks)
            server = WorkspaceServer(
                self._server_argv(files, root=root, log_dir=run_dir / "tests"),
                environment=self._settings.environment,
                root=root,
                log=files.log,
            )
            model = stack.enter_context(
                portal.wrap_async_context_manager(
                    open_model(
                        self._settings.model,
                        base_url=self._settings.base_url,
                        key=self._settings.key,
                    )
                )
            )
            enter_server(stack, portal, server)
            guardrails = Guardrails(
                before_plan=spec_guardrail(rails.spec),
                after_all=secret_guardrail(rails.secrets),
                after_build=protected_path_guardrail(rails.protected),
            )
            yield SdkAgentTeam(
                task,
                make_roles(
                    model,
                    workspace=server,
                    guardrails=guardrails,
                    timeout_s=REQUEST_TIMEOUT_S,
                ),
                portal,
                decisions=DecisionLog(files.decisions, files.uses),
                sink=on_event,
                new_nonce=lambda: randomness.token_hex(16),
            )

    def _server_argv(self, files: ServerFiles, *, root: Path, log_dir: Path) -> tuple[str, ...]:
        return (
            *self._settings.server,
            *("--root", str(root)),
            *("--policy", str(files.policy)),
            *("--checks", str(files.checks)),
            *("--decisions", str(files.decisions)),
            *("--uses", str(files.uses)),
            *("--log-dir", str(log_dir)),
            *("--library-root", str(self._settings.library)),
        )
