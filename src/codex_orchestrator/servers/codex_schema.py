"""The wire format of the Codex bridge, with the names of `codex mcp-server`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from codex_orchestrator.model.codex_call import (
    CALLER_SETTINGS,
    Escalation,
    RunCommand,
    ThreadRequest,
    TouchedFile,
    TurnReport,
    TurnStatus,
    TurnUsage,
)

Setting = str | int | bool


class _Arguments(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class CodexArguments(_Arguments):
    """Arguments of the tool `codex`."""

    prompt: str = Field(min_length=1, description="The instructions.")
    model: str = Field(default="", description="Model; the server's default when absent.")
    cwd: str = Field(
        default="", description="Folder to work in, inside the server's root (its default)."
    )
    sandbox: Literal["read-only", "workspace-write"] = Field(
        default="workspace-write", description="What commands may write. The network is off."
    )
    approval_policy: Literal["never", "on-request"] = Field(
        default="on-request",
        alias="approval-policy",
        description="on-request: a request to leave the sandbox is reported (and declined unless "
        "approved beforehand); never: Codex declines it and it is not reported.",
    )
    config: dict[str, Setting] = Field(
        default_factory=dict,
        description=f"Settings of this thread, from: {', '.join(sorted(CALLER_SETTINGS))}.",
    )
    base_instructions: str = Field(
        default="", alias="base-instructions", description="Replaces Codex's own instructions."
    )
    developer_instructions: str = Field(
        default="", alias="developer-instructions", description="Added to the instructions."
    )

    def as_request(self) -> ThreadRequest:
        """Return the requested thread."""
        return ThreadRequest(**self.model_dump(exclude={"prompt"}))


class ReplyArguments(_Arguments):
    """Arguments of the tool `codex-reply`."""

    thread_id: str = Field(alias="threadId", min_length=1, description="Thread to continue.")
    prompt: str = Field(min_length=1, description="What to do next.")


class CodexAnswer(BaseModel):
    """Structured content of a turn; that of a failed turn also has `error` {code, message}.

    `escalations` are the requests to leave the sandbox that were declined.
    """

    # It holds for the parts of the answer too.
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    thread_id: str
    content: str
    status: TurnStatus
    usage: TurnUsage
    files: tuple[TouchedFile, ...]
    commands: tuple[RunCommand, ...]
    escalations: tuple[Escalation, ...]
    duration_ms: int
    codex_version: str

    @classmethod
    def of(cls, report: TurnReport, *, codex_version: str) -> "CodexAnswer":
        """Return the wire form of a turn's report."""
        return cls.model_validate({**report._asdict(), "codex_version": codex_version})
