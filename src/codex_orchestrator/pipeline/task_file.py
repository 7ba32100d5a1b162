"""Reads the task that the command line names: a file, an id, standard input, plain text."""

import os
import re
import sys
from itertools import islice
from pathlib import Path

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.model.task import MAX_BRIEF_BYTES, MAX_TITLE, parse_task
from codex_orchestrator.pipeline.request import Asked, TaskFile
from codex_orchestrator.text.names import is_identifier
from codex_orchestrator.text.near import did_you_mean

MAX_TASK_BYTES = MAX_BRIEF_BYTES + 64 * 1024
MAX_LEGS = 256
# How many names of a folder are looked at for one that is similar to a missing one.
_MAX_ENTRIES = 10_000


def read_task(name: str, repo: Path) -> TaskFile:
    """Read a task: a file, the id of a file in `tasks/`, or `-` for standard input.

    Raises:
        InputError: there is no such file, or it is not a task.
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


def choose_task(asked: Asked, repo: Path, run_folder: Path | None) -> TaskFile:
    """Return the task that the command line names.

    Args:
        asked: what the command line says.
        repo: where the ids of tasks are looked for.
        run_folder: the folder of the run to resume, which holds the task that it was started with;
            None for a new run.

    Raises:
        InputError: it names no task, several, or one that cannot be read.
    """
    tasks, prompt_file = asked["tasks"], asked["prompt_file"]
    if len(tasks) + (prompt_file is not None) > 1:
        raise InputError(
            "more than one task was given",
            fix="run them one by one, or print a job matrix with --matrix",
        )
    if prompt_file is not None:
        return read_prompt(prompt_file, spec=asked["spec"])
    if tasks:
        return read_task(tasks[0], repo)
    if run_folder is not None:
        source = f"{run_folder.name}/task.md"
        return _parse(_read(run_folder / "task.md", "task.md"), source, is_stored=True)
    raise InputError(
        "no task was given", field="TASK", fix="codex-orchestrator run tasks/<id>.md, or --help"
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
            "no text, or a file name that is not a valid task id",
            path=name,
            fix="name it like my-task.txt",
        )
    title = lines[0][:MAX_TITLE].replace("'", "''")
    quoted = spec.replace("'", "''")
    made = f"---\nid: '{stem}'\ntitle: '{title}'\nspec: '{quoted}'\n---\n{text}"
    return _parse(made.encode(), name)


def matrix_of(names: tuple[str, ...], repo: Path) -> dict[str, list[dict[str, str]]]:
    """Return GitHub's job matrix of tasks: at most 256 jobs, each task once.

    Raises:
        InputError: there is no task, there are too many, or two with the same id.
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


def _near(path: Path) -> str:
    """Return which tasks in the folder of a missing file have a similar name."""
    try:
        with os.scandir(path.parent) as entries:
            found = [entry.name for entry in islice(entries, _MAX_ENTRIES)]
    except OSError:
        return ""
    tasks = sorted(one.removesuffix(".md") for one in found if one.endswith(".md"))
    return did_you_mean(path.stem, (one for one in tasks if is_identifier(one)))


def _read(path: Path, source: str) -> bytes:
    fix = "name a task file, the id of a task in tasks/, or - for standard input"
    try:
        # Reading a pipe without a writer would never end.
        if path.exists() and not path.is_file() and not path.is_dir():
            raise InputError("is no regular file", path=source, fix=fix)
        with path.open("rb") as stream:
            return stream.read(MAX_TASK_BYTES + 1)
    except OSError as error:
        near = _near(path) if isinstance(error, FileNotFoundError) else ""
        raise InputError(f"cannot be read: {error.strerror}{near}", path=source, fix=fix) from error


def _parse(data: bytes, source: str, *, is_stored: bool = False) -> TaskFile:
    if len(data) > MAX_TASK_BYTES:
        raise InputError(
            f"more than {MAX_TASK_BYTES} bytes",
            path=source,
            fix="move long material into the repository and name its path in the brief",
        )
    return TaskFile(parse_task(_decode(data, source), source=source), data, source, is_stored)


def _decode(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError("not UTF-8", path=source, line=line, fix="save it as UTF-8") from error
