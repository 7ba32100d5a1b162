"""Our table in a configuration file, with the place of every key for messages.

Standard library only, and no TOML reader until there is something to read: the hook imports this.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from codex_orchestrator.model.errors import InputError
from codex_orchestrator.text.lean_typing import Any

PYPROJECT = "pyproject.toml"
OWN_FILE = ".codex-orchestrator.toml"
CONFIG_FILES = (PYPROJECT, OWN_FILE)
TABLE = "codex-orchestrator"


class ConfigTable:
    """What a file says of us, as it is written.

    `source` is the file's name and, where it is of a commit, which one; `outer` the names of the
    tables that ours stands in.
    """

    def __init__(
        self,
        source: str,
        values: Mapping[str, Any] = MappingProxyType({}),
        text: str = "",
        outer: tuple[str, ...] = (),
    ) -> None:
        self.source, self.values, self.text, self.outer = source, values, text, outer

    def line(self, keys: Sequence[str]) -> int:
        """Return the line of a value, given by the keys on the way to it; 0 if it is not known."""
        from codex_orchestrator.text.toml import line_of

        steps = [int(key) if key.isdecimal() else key for key in keys]
        return line_of(self.text, (*self.outer, *steps))

    def error(self, keys: Sequence[str], problem: str, *, fix: str, line: int = 0) -> InputError:
        """Return the error that something is wrong at a key; it names file, line and field."""
        line = line or self.line(keys)
        return InputError(problem, path=self.source, line=line, field=".".join(keys), fix=fix)

    def unknown_key(
        self, keys: Sequence[str], known: Sequence[str], *, line: int = 0
    ) -> InputError:
        """Return the error that nobody knows the last of the keys; it names the nearest one."""
        from codex_orchestrator.text.near import nearest_key

        problem = f"unknown key{nearest_key(keys[-1], known)}"
        return self.error(keys, problem, fix=f"known keys here: {', '.join(known)}", line=line)


def parse_table(data: bytes, *, name: str, label: str = "") -> ConfigTable | None:
    """Return our table in a file, None when the file says nothing of us.

    It is `[tool.codex-orchestrator]`; in a file that is no `pyproject.toml` and has no such table,
    it is all of the file.

    Args:
        data: the file's bytes.
        name: the file's name.
        label: says of which snapshot, for messages, such as `" (at 1a2b3c)"`.

    Raises:
        InputError: it is not valid TOML, something else stands where our table should, or our own
            file has tables in both forms.
    """
    is_pyproject = name.endswith(PYPROJECT)
    # Most pyproject.toml files say nothing about us: do not load a TOML reader for them.
    if is_pyproject and TABLE.encode() not in data:
        return None
    from codex_orchestrator.text.toml import TomlError, parse_toml

    source = f"{name}{label}"
    try:
        document, text = parse_toml(data)
    except TomlError as error:
        raise InputError(str(error), path=source, line=error.line, fix="fix the file") from error
    tools = document.get("tool", {})
    values = tools.get(TABLE) if isinstance(tools, dict) else tools
    if values is None:
        if is_pyproject:
            return None
        return ConfigTable(source, document, text)
    if not isinstance(values, dict):
        field = f"tool.{TABLE}" if isinstance(tools, dict) else "tool"
        raise InputError("must be a table", path=source, field=field, fix=f"[tool.{TABLE}]")
    beside = sorted(document.keys() - {"tool"})
    if name.endswith(OWN_FILE) and beside:
        # Lines that were pasted here would take everything else out of force.
        raise InputError(
            f"has [tool.{TABLE}] and beside it `{beside[0]}`, which would not count",
            path=source,
            field=beside[0],
            fix=f"in this file write [setup] for [tool.{TABLE}.setup], and so on",
        )
    return ConfigTable(source, values, text, ("tool", TABLE))


def find_table(read: Callable[[str], bytes | None], *, label: str = "") -> ConfigTable:
    """Return our table of a repository, an empty one when there is none.

    Args:
        read: returns the bytes of a file at the top of the repository; None when it is not there.
        label: says of which snapshot, for messages.

    Raises:
        InputError: a file is not valid TOML, or both files hold our table.
    """
    found = []
    for name in CONFIG_FILES:
        data = read(name)
        table = parse_table(data, name=name, label=label) if data is not None else None
        found += [table] if table is not None else []
    if len(found) > 1:
        raise InputError(
            f"{found[0].source} has [tool.{TABLE}] too",
            path=found[1].source,
            fix="put all of the configuration into one of the two files",
        )
    return found[0] if found else ConfigTable(PYPROJECT)
