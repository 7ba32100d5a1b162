"""The wire format of the Codex bridge, with the names of `codex mcp-server`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from codex_orchestrator.model.codex_call import (
    CALLER_SETTINGS,
    ThreadRequest,
    TurnReport,
    TurnStatus,
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


class _Wire(BaseModel):
    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, populate_by_name=True, from_attributes=True
    )


class WireUsage(_Wire):
    """Usage of this call; the tokens of all threads of a server add up."""

    requests: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_output_tokens: int
    total_tokens: int


class WireFile(_Wire):
    """A file changed by a patch. Changes by commands are not listed; use git."""

    path: str
    change: str


class WireCommand(_Wire):
    """A command of the turn."""

    command: str
    status: str
    exit_code: int | None
    duration_ms: int | None


class WireEscalation(_Wire):
    """A declined request to leave the sandbox; a person would approve `kind:value`.

    Where `canBeApproved` is false no approval covers it: a shell would interpret the command, a
    path lies outside, or it is about the network.
    """

    kind: str
    value: str
    reason: str
    detail: str
    can_be_approved: bool


class CodexAnswer(_Wire):
    """Structured content of a turn; that of a failed turn also has `error` {code, message}."""

    thread_id: str
    content: str
    status: TurnStatus
    usage: WireUsage
    files: tuple[WireFile, ...]
    commands: tuple[WireCommand, ...]
    escalations: tuple[WireEscalation, ...]
    duration_ms: int
    codex_version: str

    @classmethod
    def of(cls, report: TurnReport, *, codex_version: str) -> "CodexAnswer":
        """Return the wire form of a turn's report."""
        return cls.model_validate({**report._asdict(), "codex_version": codex_version})
