"""Why a Codex turn did not complete: one machine word each, stable across Codex versions."""

from enum import StrEnum
from typing import Any, NamedTuple

from codex_orchestrator.model.errors import ServiceError


class FailureCode(StrEnum):
    """The word by which callers tell failures apart. The text after it is for people."""

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
    """A failure code and what Codex or the model server said."""

    code: FailureCode
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class CodexCallError(ServiceError):
    """Codex did not do what it was asked; `failure` says why."""

    def __init__(self, failure: Failure, *, fix: str = "") -> None:
        super().__init__(str(failure), fix=fix)
        self.failure = failure


_BY_NAME = {
    "contextWindowExceeded": FailureCode.CONTEXT_EXCEEDED,
    "sessionBudgetExceeded": FailureCode.QUOTA_EXCEEDED,
    "usageLimitExceeded": FailureCode.QUOTA_EXCEEDED,
    "rateLimitExceeded": FailureCode.RATE_LIMITED,
    "flexUnavailable": FailureCode.MODEL_UNAVAILABLE,
    "serverOverloaded": FailureCode.MODEL_UNAVAILABLE,
    "policyCapacityUnavailable": FailureCode.MODEL_UNAVAILABLE,
    "internalServerError": FailureCode.MODEL_UNAVAILABLE,
    "responseStreamConnectionFailed": FailureCode.MODEL_UNAVAILABLE,
    "responseStreamDisconnected": FailureCode.MODEL_UNAVAILABLE,
    "httpConnectionFailed": FailureCode.MODEL_UNAVAILABLE,
    "responseTooManyFailedAttempts": FailureCode.MODEL_UNAVAILABLE,
    "modelNotFound": FailureCode.MODEL_UNKNOWN,
    "cyberPolicy": FailureCode.POLICY_REFUSED,
    "misalignmentPolicyViolation": FailureCode.POLICY_REFUSED,
    "unauthorized": FailureCode.CREDENTIAL_REFUSED,
    "sandboxError": FailureCode.SANDBOX_FAILED,
    "tooManyDenials": FailureCode.APPROVAL_REQUIRED,
}
_BY_STATUS = {
    401: FailureCode.CREDENTIAL_REFUSED,
    403: FailureCode.CREDENTIAL_REFUSED,
    404: FailureCode.MODEL_UNKNOWN,
    429: FailureCode.RATE_LIMITED,
}


def failure_of_turn(error: dict[str, Any] | None) -> Failure:
    """Classify the `error` of a failed turn; an unknown kind is `turn-failed`."""
    if not error:
        return Failure(FailureCode.TURN_FAILED, "Codex gave no reason")
    message = str(error.get("message") or "Codex gave no reason")
    kind = error.get("codexErrorInfo")
    if isinstance(kind, dict) and kind:
        name, details = next(iter(kind.items()))
        status = details.get("httpStatusCode") if isinstance(details, dict) else None
        code = _BY_STATUS.get(status or 0) or _BY_NAME.get(name)
        return Failure(code or FailureCode.TURN_FAILED, message)
    if message.startswith("stream disconnected"):  # its kind is only "other"
        return Failure(FailureCode.MODEL_UNAVAILABLE, message)
    return Failure(_BY_NAME.get(str(kind), FailureCode.TURN_FAILED), message)
