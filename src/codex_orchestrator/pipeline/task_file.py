"""From what the command line names to a task: files, ids, standard input, plain text."""

import re
import sys
from pathlib import Path
from typing import NamedTuple

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.task import MAX_BRIEF_BYTES, MAX_TITLE, Task, parse_task
from codex_orchestrator.text.names import is_identifier

MAX_TASK_BYTES = MAX_BRIEF_BYTES + 64 * 1024
MAX_LEGS = 256


class TaskFile(NamedTuple):
    """A task, the bytes that it was parsed from, and what to call them.

    `is_stored` says that it is the task of a run, as the run's folder has it.
    """

    task: Task
    data: bytes
    source: str
    is_stored: bool = False


def read_task(name: str, repo: Path) -> TaskFile:
    """Read a task: a file, the id of a file in `tasks/`, or `-` for standard input.

    Raises:
        InputError: there is no such file, or it is no task.
    """
    if name == "-":
        if sys.stdin is None:
            raise InputError("standard input is closed", field="TASK", fix="name a task file")
        data = sys.stdin.buffer.read(MAX_TASK_BYTES + 1)
        return _parse(data, "<stdin>")
    path = Path(name)
    if not path.exists() and is_identifier(name):
        path = repo / "tasks" / f"{name}.md"
    source = name if path == Path(name) else f"tasks/{name}.md"
    return _parse(_read(path, source), source)


def find_run_task(run_id: str, repo: Path) -> TaskFile:
    """Read the task that a run was started with, from the run's folder.

    Raises:
        InputError: there is no such run, or its task file is gone.
    """
    from codex_orchestrator.compose.run import open_store

    folder = open_store(repo).find(run_id)
    stored = _parse(_read(folder / "task.md", "task.md"), f"{folder.name}/task.md")
    return stored._replace(is_stored=True)


def require_new_run(manifest_sha256: str | None, *, is_from_artifact: bool) -> None:
    """Check that nothing was said about a run to resume where none was named.

    Raises:
        InputError: names the option.
    """
    if manifest_sha256 or is_from_artifact:
        field = "--manifest-sha256" if manifest_sha256 else "--from-artifact"
        raise InputError("is about a run to resume", field=field, fix="name it by --resume RUN")


def choose_task(
    tasks: tuple[str, ...],
    repo: Path,
    resume: str | None,
    prompt_file: str | None,
    spec: str | None,
) -> TaskFile:
    """Return the task that the command line names, in one way or another.

    Raises:
        InputError: it names none, or several, or one that cannot be read.
    """
    given = len(tasks) + (prompt_file is not None)
    if given > 1:
        raise InputError(
            "more than one task was given",
            fix="run them one by one, or print a job matrix with --matrix",
        )
    if prompt_file is not None:
        return read_prompt(prompt_file, spec=spec)
    if tasks:
        return read_task(tasks[0], repo)
    if resume is not None:
        return find_run_task(resume, repo)
    raise InputError(
        "no task was given", field="TASK", fix="codex-orchestrator run tasks/<id>.md, or --help"
    )


class EngineBefore(NamedTuple):
    """With what a run was begun: its model, its builder, the mode that was asked for, its rules.

    `model` is None where the run's own word for it does not count. `rules_at` is the commit that
    its configuration was read from, "" for the checkout.
    """

    model: str | None
    builder: str
    mode: str
    rules_at: str = ""


def engine_before(
    run_id: str, repo: Path, *, builder: str, is_vouched: bool, is_from_artifact: bool
) -> EngineBefore:
    """Return with what a stopped run goes on, when nothing is named anew.

    Whoever wrote the folder of a run from elsewhere does not choose who reviews it.

    Args:
        run_id: the run.
        repo: its repository.
        builder: what the command line says; `auto` stands for the one of the run.
        is_vouched: whether the caller names the manifest's hash.
        is_from_artifact: whether the folder was written by others since it was here.

    Raises:
        InputError: there is no such run.
    """
    from codex_orchestrator.compose.run import has_begun_here, open_store
    from codex_orchestrator.model.mode import ModeName
    from codex_orchestrator.model.run import RunState

    store = open_store(repo)
    manifest = store.load(store.find(run_id).name)
    asked = manifest.mode.requested
    mode = asked if asked in set(ModeName) else "auto"
    if manifest.run.state is RunState.FINISHED:
        # Nothing is built any more, so nobody has to have what the builder needs.
        return EngineBefore(manifest.engine.model, "workspace", mode)
    is_ours = not is_from_artifact and has_begun_here(repo, manifest.run.id)
    if not (is_vouched or is_ours):
        return EngineBefore(None, builder, mode)
    before = manifest.engine.builder
    is_kept = builder == "auto" and before in ("codex", "workspace")
    return EngineBefore(
        manifest.engine.model, before if is_kept else builder, mode, manifest.run.rules_at
    )


def read_prompt(name: str, *, spec: str | None) -> TaskFile:
    """Make a task from plain text; its first line is the title, the file's name the id.

    Raises:
        InputError: the file cannot be read, or no spec was named.
    """
    if spec is None:
        raise InputError("a task needs a spec", field="--spec", fix="--spec tasks/specs/<id>.md")
    text = _decode(_read(Path(name), name), name)
    stem = re.sub(r"[^a-z0-9._-]+", "-", Path(name).stem.lower()).strip("-._")[:64]
    lines = [line.strip("# \t") for line in text.splitlines() if line.strip("# \t")]
    if not lines or not is_identifier(stem):
        raise InputError(
            "no text, or a file name that makes no task id",
            path=name,
            fix="name it like my-task.txt",
        )
    title = lines[0][:MAX_TITLE].replace("'", "''")
    quoted = spec.replace("'", "''")
    made = f"---\nid: '{stem}'\ntitle: '{title}'\nspec: '{quoted}'\n---\n{text}"
    return _parse(made.encode(), name)


def matrix_of(names: tuple[str, ...], repo: Path) -> dict[str, list[dict[str, str]]]:
    """Return GitHub's job matrix of tasks: at most 256 legs, each task once.

    Raises:
        InputError: there is no task, too many, or two with one id.
    """
    if not names:
        raise InputError("a matrix needs tasks", field="TASK", fix="--matrix tasks/*.md")
    if len(names) > MAX_LEGS:
        raise InputError(
            f"{len(names)} tasks; GitHub runs at most {MAX_LEGS} legs", fix="split the tasks"
        )
    legs: dict[str, dict[str, str]] = {}
    for name in names:
        file = read_task(name, repo)
        if file.task.id in legs:
            raise InputError(f"task id {file.task.id} appears twice", path=name)
        legs[file.task.id] = {"task": name, "id": file.task.id, "title": file.task.title}
    return {"include": list(legs.values())}


def _read(path: Path, source: str) -> bytes:
    fix = "name a task file, the id of a task in tasks/, or - for standard input"
    try:
        # A pipe that nobody writes to would be waited for without end.
        if path.exists() and not path.is_file() and not path.is_dir():
            raise InputError("is no regular file", path=source, fix=fix)
        with path.open("rb") as stream:
            return stream.read(MAX_TASK_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=source, fix=fix) from error


def _parse(data: bytes, source: str) -> TaskFile:
    if len(data) > MAX_TASK_BYTES:
        raise InputError(
            f"more than {MAX_TASK_BYTES} bytes",
            path=source,
            fix="move long material into the repository and name its path in the brief",
        )
    return TaskFile(parse_task(_decode(data, source), source=source), data, source)


def _decode(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError("not UTF-8", path=source, line=line, fix="save it as UTF-8") from error
