"""A task: YAML front matter and a brief in Markdown."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from codex_orchestrator.model.document import Document, document_at, problems_of
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.text.names import is_identifier, path_problem

if TYPE_CHECKING:
    from codex_orchestrator.model.strict_yaml import YamlDocument

MAX_BRIEF_BYTES = 256 * 1024
MAX_TITLE = 200
MAX_OUTPUT_BYTES = 64 * 1024 * 1024


def _identifier(text: str) -> str:
    if not is_identifier(text):
        raise ValueError(
            "must be lowercase letters, digits, `.`, `_` or `-`, start with a letter or digit, "
            "have no `..` and at most 64 characters"
        )
    return text


def _inside(text: str) -> str:
    problem = path_problem(text)
    if problem:
        raise ValueError(problem)
    return text


def _one_line(text: str) -> str:
    if not text.strip() or len(text) > MAX_TITLE or "\n" in text:
        raise ValueError(f"must be one line of 1 to {MAX_TITLE} characters")
    return text


Identifier = Annotated[str, AfterValidator(_identifier)]
OneLine = Annotated[str, AfterValidator(_one_line)]
InsidePath = Annotated[str, AfterValidator(_inside)]
CheckName = Literal["test", "lint", "build"]


class Execution(Document):
    """What the task says about where it should run.

    `attempts` is how many solutions Codex Cloud makes of each item; our checks choose one.
    """

    parallel: bool = False
    requires_cloud: bool = False
    attempts: int = Field(default=1, ge=1, le=4)


class Step(Document):
    """A piece of work without a model: a pattern on paths, or a command."""

    pattern: Identifier | None = None
    paths: tuple[InsidePath, ...] = ()
    command: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_kind(self) -> "Step":
        if (self.pattern is None) == (not self.command):
            raise ValueError("a step has either `pattern` or `command`")
        if self.command and self.paths:
            raise ValueError("`paths` goes with `pattern`, not with `command`")
        return self


class Limits(Document):
    """Bounds of a run; reaching one ends it with a named reason.

    `minutes` bounds an attempt, `stage_minutes` one stage of it (as long as the attempt when
    absent), `check_seconds` one check. `turns` are model requests of the four agents; `turns` and
    `tokens` count all attempts. `output_bytes` bounds what one command may print. `changed_files`
    and `diff_lines` (added and removed) bound the change. `parallel` is how many items may be built
    at the same time; the default is the configured number, in MCP mode at most 4. Without
    `baseline` the checks are not run at the base, so that nothing is known of its tests.
    """

    minutes: int = Field(default=30, ge=1, le=24 * 60)
    turns: int = Field(default=60, ge=1, le=1000)
    tokens: int = Field(default=1_000_000, ge=1)
    repair_rounds: int = Field(default=2, ge=0, le=10)
    check_seconds: int = Field(default=600, ge=1, le=24 * 3600)
    stage_minutes: int | None = Field(default=None, ge=1, le=24 * 60)
    output_bytes: int = Field(default=MAX_OUTPUT_BYTES, ge=1024, le=1024**3)
    changed_files: int = Field(default=1000, ge=1)
    diff_lines: int = Field(default=100_000, ge=1)
    parallel: int | None = Field(default=None, ge=1, le=100)
    baseline: bool = True


class TaskTests(Document):
    """What the task says about tests, by their names as the report of the check has them.

    `must_pass` have to go from red to green. `may_change` are tests, and files or folders of
    tests, that the change may remove, skip or weaken. With `write_first` the builder writes a test
    that fails at the base and passes with the change.
    """

    must_pass: tuple[str, ...] = ()
    may_change: tuple[str, ...] = ()
    write_first: bool = False

    @property
    def has_promises(self) -> bool:
        """Say whether some test has to go from red to green."""
        return self.write_first or bool(self.must_pass)


class Task(Document):
    """What was asked for."""

    id: Identifier
    title: OneLine
    spec: InsidePath
    execution: Execution = Execution()
    adapter: Identifier | None = None
    steps: tuple[Step, ...] = ()
    checks: tuple[CheckName, ...] = ("test",)
    approvals: tuple[str, ...] = ()
    tests: TaskTests = TaskTests()
    limits: Limits = Limits()
    brief: str = Field(default="", exclude=True)


def parse_task(text: str, *, source: str) -> Task:
    """Parse a task file: front matter between `---` lines, then the brief.

    Args:
        text: the whole file.
        source: the file's name, for messages.

    Raises:
        InputError: names file, line, field and the fix.
    """
    from codex_orchestrator.model.strict_yaml import parse_part

    front, brief = split_front_matter(text, source=source)
    if (size := len(brief.encode("utf-8", "surrogatepass"))) > MAX_BRIEF_BYTES:
        raise InputError(
            f"the brief has {size} bytes, the limit is {MAX_BRIEF_BYTES}",
            fix="move long material into the repository and name its path in the brief",
            path=source,
        )
    document = parse_part(front, source=source, offset=1, fix="fix the front matter")
    try:
        return Task(**document.values, brief=brief.strip())
    except ValidationError as error:
        raise _input_error(error, document, source) from error
    except TypeError as error:
        raise InputError(
            "`brief` is the text below the front matter, not a key", path=source
        ) from error


def split_front_matter(text: str, *, source: str) -> tuple[str, str]:
    """Split a file into front matter and body.

    Raises:
        InputError: there is no front matter, or it is not closed.
    """
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    if not lines or lines[0].rstrip() != "---":
        raise InputError(
            "no front matter",
            path=source,
            line=1,
            fix="start the file with a line `---`, then `key: value` lines, then `---`",
        )
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() == "---":
            return "".join(lines[1:number]), "".join(lines[number + 1 :])
    raise InputError(
        "front matter is not closed", path=source, line=1, fix="end it with a line `---`"
    )


def _input_error(error: ValidationError, document: "YamlDocument", source: str) -> InputError:
    problem = problems_of(error)[0]
    field, message, fix = problem.field, problem.message, ""
    line = document.lines.get(field) or document.lines.get(field.rsplit(".", 1)[0], 0)
    if problem.kind == "extra_forbidden":
        from codex_orchestrator.text.near import nearest_key

        fields = document_at(Task, problem.path[:-1]).model_fields
        known = [name for name in fields if name != "brief"]
        message = f"unknown key{nearest_key(problem.path[-1], known)}"
        fix = f"known keys here: {', '.join(known)}"
    return InputError(message, path=source, line=line + 1, field=field, fix=fix)
