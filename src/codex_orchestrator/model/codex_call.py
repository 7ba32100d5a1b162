"""Calls of Codex: how a thread is started, what a turn did, and why it did not complete."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from codex_orchestrator.model.approval import ApprovalKind
from codex_orchestrator.model.errors import ServiceError

Sandbox = Literal["read-only", "workspace-write"]
TurnStatus = Literal["completed", "approval-required", "interrupted", "failed"]

CALLER_SETTINGS = frozenset(
    {
        "model_auto_compact_token_limit",
        "model_context_window",
        "model_max_output_tokens",
        "model_reasoning_effort",
        "model_reasoning_summary",
        "model_verbosity",
        "tool_output_token_limit",
    }
)
"""Settings that a caller of the `codex` tool may choose: only those of the model's reasoning."""


class ThreadRequest(NamedTuple):
    """How a thread starts. `cwd` is absolute; `config` holds caller settings only."""

    cwd: str
    model: str
    sandbox: Sandbox = "workspace-write"
    approval_policy: Literal["never", "on-request"] = "on-request"
    config: Mapping[str, Any] = {}
    base_instructions: str = ""
    developer_instructions: str = ""


@dataclass(frozen=True)
class Escalation:
    """A request that leaves the sandbox: `kind:value` is what a person would approve.

    `reason` is the model's own text, `detail` the command or paths in full. What no approval can
    cover (a command that a shell interprets, a path outside, the network) is refused for good.
    """

    kind: ApprovalKind
    value: str
    reason: str
    detail: str
    can_be_approved: bool

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


class FailureCode(StrEnum):
    """The code by which callers distinguish failures. The text after it is for people."""

    APPROVAL_REQUIRED = "approval-required"
    CODEX_EXITED = "codex-exited"
    CONTEXT_EXCEEDED = "context-exceeded"
    CREDENTIAL_REFUSED = "credential-refused"
    INTERRUPTED = "interrupted"
    INVALID_ARGUMENTS = "invalid-arguments"
    MODEL_UNAVAILABLE = "model-unavailable"
    MODEL_UNKNOWN = "model-unknown"
    NO_ANSWER = "no-answer"
    OUTSIDE_ROOT = "outside-root"
    POLICY_REFUSED = "policy-refused"
    QUOTA_EXCEEDED = "quota-exceeded"
    RATE_LIMITED = "rate-limited"
    SANDBOX_FAILED = "sandbox-failed"
    THREAD_BUSY = "thread-busy"
    THREAD_UNKNOWN = "thread-unknown"
    TOKEN_LIMIT = "token-limit"  # noqa: S105 - a word for a failure, no password
    TURN_FAILED = "turn-failed"
    TURN_TIMEOUT = "turn-timeout"


class Failure(NamedTuple):
    """A failure code and the message of Codex or the model server."""

    code: FailureCode
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class CodexCallError(ServiceError):
    """Codex did not do what it was asked; `failure` says why."""

    def __init__(self, code: FailureCode, message: str, *, fix: str = "") -> None:
        self.failure = Failure(code, message)
        super().__init__(str(self.failure), fix=fix)


@dataclass(frozen=True)
class TurnUsage:
    """Usage of a turn: requests to the model, and tokens. That of a server's threads adds up."""

    requests: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_output_tokens: int
    total_tokens: int


@dataclass(frozen=True)
class TouchedFile:
    """A file that a patch changed: its path in the work tree, and `add`, `update` or `delete`.

    What commands change is not among them; git knows it.
    """

    path: str
    change: str


@dataclass(frozen=True)
class RunCommand:
    """A command that ran in the sandbox.

    `exit_code` is None when it did not start or did not end.
    """

    command: str
    status: str
    exit_code: int | None
    duration_ms: int | None


class TurnReport(NamedTuple):
    """The result of one turn. `failure` is None unless the status is failed or interrupted."""

    thread_id: str
    status: TurnStatus
    content: str
    usage: TurnUsage
    files: tuple[TouchedFile, ...]
    commands: tuple[RunCommand, ...]
    escalations: tuple[Escalation, ...]
    failure: Failure | None
    duration_ms: int
