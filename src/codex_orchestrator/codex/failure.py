"""Why a Codex turn did not complete: Codex's error kinds as our failure codes."""

from collections.abc import Mapping
from typing import Any

from codex_orchestrator.model.codex_call import Failure, FailureCode

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


def failure_of_turn(error: Mapping[str, Any] | None) -> Failure:
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
