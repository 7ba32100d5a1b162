"""Where the configuration stands: pyproject.toml, else .codex-orchestrator.toml, as text."""

import os
import re
from collections.abc import Sequence
from typing import Any

from codex_orchestrator.guard.config import OWN_FILE, PYPROJECT, GuardConfig, parse_config
from codex_orchestrator.model.errors import InputError

MAX_CONFIG_BYTES = 1024 * 1024
_AT_LINE = r"\(at line (\d+)"
# The TOML reader's time grows with the square of a key's parts.
_LONG_KEY = r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*"|'[^'\n]*')[ \t]*+\.[ \t]*+){100}"""

_INNER = {PYPROJECT: ("tool", "codex-orchestrator"), OWN_FILE: ()}


def parse_named(name: str, data: bytes, *, label: str = "") -> GuardConfig | None:
    """Return the configuration in one of the two files, or None when it says nothing of the guard.

    Args:
        name: the file's name.
        data: its bytes.
        label: says of which snapshot, for messages, such as `" (at 1a2b3c)"`.

    Raises:
        InputError: it is no TOML, or a value is wrong.
    """
    # Most pyproject.toml files say nothing about us: do not load a TOML reader for them.
    if name == PYPROJECT and b"codex-orchestrator" not in data:
        return None
    return parse_file(data, source=f"{name}{label}", inner=_INNER[name])


def only_one(found: Sequence[GuardConfig]) -> GuardConfig:
    """Return the one configuration that was found, the defaults when none was.

    Raises:
        InputError: both files configure the guard.
    """
    if len(found) > 1:
        raise InputError(
            f"{PYPROJECT} configures the guard too",
            path=found[1].source,
            field="guard",
            fix="keep one of the two tables",
        )
    return found[0] if found else GuardConfig()


def parse_file(data: bytes, *, source: str, inner: tuple[str, ...]) -> GuardConfig | None:
    """Return the configuration in one TOML file, or None when it has no guard table.

    Raises:
        InputError: it is no TOML, or a value is wrong.
    """
    import tomllib

    if len(data) > MAX_CONFIG_BYTES:
        raise InputError(f"more than {MAX_CONFIG_BYTES} bytes", path=source)
    try:
        text = data.decode()
        if key := re.search(_LONG_KEY, text):
            line = text.count("\n", 0, key.start()) + 1
            raise InputError("a key has over 100 parts", path=source, line=line)
        table: Any = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError("is not UTF-8", path=source, line=line) from error
    except (ValueError, RecursionError) as error:  # also of numbers with thousands of digits
        at = re.search(_AT_LINE, str(error))
        number = re.search(r"\d{4000}", text)
        line = int(at[1]) if at else text.count("\n", 0, number.start() if number else 0) + 1
        raise InputError(
            f"no TOML: {error}", path=source, line=line, fix="mend the file"
        ) from error
    for name in (*inner, "guard"):
        if not isinstance(table, dict):
            raise InputError("must be a table", path=source, field=".".join(inner))
        table = table.get(name)
        if table is None:
            return None
    if not isinstance(table, dict):
        raise InputError("must be a table", path=source, field="guard")
    return parse_config(table, source=source, text=text)


def read_given_config(path: str) -> GuardConfig:
    """Return the configuration in a file that the caller names.

    Raises:
        InputError: the file cannot be read, or a value is wrong.
    """
    try:
        with open(path, "rb") as stream:
            data = stream.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}", path=path, fix="give a file with --config FILE"
        ) from error
    inner = ("tool", "codex-orchestrator") if path.endswith(PYPROJECT) else ()
    return parse_file(data, source=path, inner=inner) or GuardConfig(source=path)


def read_work_tree_config(root: str) -> GuardConfig:
    """Return the configuration as it stands in the work tree.

    Raises:
        InputError: a file cannot be read, or a value is wrong.
    """

    def read(name: str) -> bytes | None:
        try:
            with open(os.path.join(root, name), "rb") as stream:
                return stream.read(MAX_CONFIG_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", path=name) from error

    texts = {name: read(name) for name in _INNER}
    configs = [parse_named(name, data) for name, data in texts.items() if data is not None]
    return only_one([config for config in configs if config is not None])
