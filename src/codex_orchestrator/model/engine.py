"""Which model a run uses, whether Codex builds, and how many items are built at the same time."""

from typing import NamedTuple

from codex_orchestrator.model.config import OPENAI_URL, Config
from codex_orchestrator.model.credential import Secret
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.mode import ModeName
from codex_orchestrator.model.task import Task

OFFLINE = "offline"
SAFE_HERE = 4


class ModelEndpoint(NamedTuple):
    """A model and where it is asked: the address of a Responses API, up to `/v1`, and its key.

    `key` is None for a server that wants none.
    """

    model: str
    base_url: str = OPENAI_URL
    key: Secret | None = None


def choose_model_name(task: Task, config: Config) -> str:
    """Return the name of the configured model, else the embedded model for tasks with steps.

    Raises:
        InputError: there is no model for the task.
    """
    name = config.model.name or (OFFLINE if task.steps else "")
    if not name or (name == OFFLINE and not task.steps):
        raise InputError(
            f"task {task.id} has no steps, and "
            + ("the offline model only carries out steps" if name else "no model is configured"),
            fix="give the task `steps:`, or name a model by --model, CODEX_ORCHESTRATOR_MODEL or "
            "model.name (and set OPENAI_API_KEY)",
        )
    return name


def wants_codex(builder: str, *, model: str) -> bool:
    """Return whether the builder should use Codex, if it is installed.

    `builder` is `auto`, `codex` or `workspace`.

    Raises:
        InputError: Codex was requested together with the offline model.
    """
    if builder == "codex" and model == OFFLINE:
        raise InputError(
            "Codex needs a model on a server, and cannot use the offline model",
            field="--builder",
            fix="name a model by --model, or use --builder workspace",
        )
    return builder != "workspace" and model != OFFLINE


def items_at_once(task: Task, *, configured: int, mode: ModeName) -> int:
    """Return how many items of a plan may be at work together.

    What the task says counts; else what is configured, on this machine at most 4: there each
    item has processes of its own.
    """
    if task.limits.parallel is not None:
        return task.limits.parallel
    return configured if mode is ModeName.CLOUD else min(configured, SAFE_HERE)
