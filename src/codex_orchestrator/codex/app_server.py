"""One `codex app-server` process, driven through OpenAI's own package, with every wait bounded."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import version
from typing import Any

from openai_codex.client import CodexClient, CodexConfig
from openai_codex.errors import CodexError, JsonRpcError
from openai_codex.models import Notification, UnknownNotification
from pydantic import BaseModel, ConfigDict, ValidationError

from codex_orchestrator.codex.binary import CodexBinary
from codex_orchestrator.codex.hardening import as_flags
from codex_orchestrator.model.codex_call import CodexCallError, FailureCode
from codex_orchestrator.model.credential import Secret

CALL_TIMEOUT_S = 60.0
AnswerRequest = Callable[[str, dict[str, Any]], dict[str, Any]]


class Answer(BaseModel):
    """Any answer of the app-server; callers take the fields that they know."""

    model_config = ConfigDict(extra="allow")


class AppServer:
    """A running app-server: calls, notifications, and a close that leaves no process behind."""

    def __init__(
        self,
        binary: CodexBinary,
        *,
        settings: tuple[str, ...],
        environment: Mapping[str, str],
        cwd: str,
        answer: AnswerRequest,
    ) -> None:
        # The package adds to the environment of this process. What must not be inherited is
        # removed by name, so that no value is on a command line.
        unwanted = [f"-u{name}" for name in os.environ if name not in environment]
        self._client = CodexClient(
            CodexConfig(
                launch_args_override=(
                    "/usr/bin/env",
                    *unwanted,
                    binary.path,
                    *as_flags(settings),
                    "app-server",
                ),
                env=dict(environment),
                cwd=cwd,
                client_name="codex-orchestrator",
                client_title="Codex Orchestrator",
                client_version=version("codex-orchestrator-toolkit"),
            ),
            # Without a handler the package accepts every request to leave the sandbox.
            approval_handler=lambda method, params: answer(method, params or {}),
        )
        self._process: Any = None
        self._is_lost = False
        self.user_agent = ""

    def start(self) -> None:
        """Start the process and shake hands.

        Raises:
            CodexCallError: it does not run, or does not answer in time.
        """
        with self._bounded("start"):
            self._client.start()
            # The package closes the process but not its pipes, and kills without waiting.
            self._process = self._client._proc
            self.user_agent = self._client.initialize().userAgent or ""
        drain = threading.Thread(target=self._drain, name="codex-notices", daemon=True)
        drain.start()

    def log_in(self, key: Secret) -> None:
        """Hand over the key; with the ephemeral store it stays in Codex's memory."""
        self.call("account/login/start", {"type": "apiKey", "apiKey": key.reveal()})

    def call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Make one call and return its answer.

        Raises:
            CodexCallError: Codex refused, ended, or did not answer in time.
        """
        with self._bounded(method):
            return self._client.request(method, params, response_model=Answer).model_dump()

    def start_turn(self, thread_id: str, prompt: str, params: dict[str, Any]) -> str:
        """Start a turn and return its id; its notifications are kept from here on."""
        with self._bounded("turn/start"):
            return self._client.turn_start(thread_id, prompt, params).turn.id

    def notifications(self, turn_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield a turn's notifications up to its end; waits without limit, see `kill`."""
        try:
            while True:
                try:
                    notice = self._client.next_turn_notification(turn_id)
                except CodexError as error:
                    raise self._translated(error) from error
                yield notice.method, _params_of(notice)
                if notice.method == "turn/completed":
                    return
        finally:
            self._client.unregister_turn_notifications(turn_id)

    def kill(self) -> None:
        """End the process at once; every waiting call then fails with `codex-exited`."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """End the process: end of input first, which it obeys, then by force."""
        process, self._process = self._process, None
        with suppress(OSError):  # what was not written yet cannot be written any more
            self._client.close()
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            with suppress(OSError):
                pipe.close()

    @property
    def is_running(self) -> bool:
        """Say whether the process is running."""
        # A process that closed its pipes may take a while to be gone.
        return not self._is_lost and self._process is not None and self._process.poll() is None

    @contextmanager
    def _bounded(self, what: str) -> Iterator[None]:
        """Bound a call that the package would wait for without end, and translate its errors."""
        watch = threading.Timer(CALL_TIMEOUT_S, self.kill)
        watch.daemon = True
        watch.start()
        try:
            yield
        except ValidationError as error:
            raise CodexCallError(
                FailureCode.TURN_FAILED, f"Codex answered {what} in an unknown form"
            ) from error
        except CodexError as error:
            raise self._translated(error) from error
        except OSError as error:
            self._is_lost = True
            raise CodexCallError(FailureCode.CODEX_EXITED, f"{what}: {error}") from error
        finally:
            watch.cancel()

    def _translated(self, error: CodexError) -> CodexCallError:
        message = str(getattr(error, "message", "")) or str(error)
        if "thread not found" in message:
            return CodexCallError(FailureCode.THREAD_UNKNOWN, message)
        if isinstance(error, JsonRpcError):
            return CodexCallError(FailureCode.INVALID_ARGUMENTS, message)
        self._is_lost = True
        return CodexCallError(FailureCode.CODEX_EXITED, message.split(" stderr_tail=")[0])

    def _drain(self) -> None:
        # Notices that belong to no turn would pile up in the package's queue.
        with suppress(CodexError):
            while True:
                self._client.next_notification()


def _params_of(notice: Notification) -> dict[str, Any]:
    payload = notice.payload
    if isinstance(payload, UnknownNotification):
        return dict(payload.params)
    return payload.model_dump(by_alias=True, mode="json")
