"""The settings in force: flag, environment, configuration file, default, in that order."""

import os
from collections.abc import Mapping
from pathlib import Path

from codex_orchestrator.cli.console import repository_root
from codex_orchestrator.model.config import Config, Effective, parse_config
from codex_orchestrator.model.errors import InputError

MAX_CONFIG_BYTES = 1024 * 1024
# environment variable → dotted configuration key
VARIABLES = {
    "CODEX_ORCHESTRATOR_MODEL": "model.name",
    "OPENAI_BASE_URL": "model.base_url",
    "CODEX_ORCHESTRATOR_CATALOG": "catalog.url",
}


class Settings:
    """The repository, its configuration, and where each value came from."""

    def __init__(self, repo: Path, effective: Effective) -> None:
        self.repo = repo
        self.config: Config = effective.config
        self.origins = effective.origins


def load_settings(
    repo: str | None,
    config_file: str | None,
    *,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, str | None] | None = None,
) -> Settings:
    """Find the repository and read its configuration.

    Args:
        repo: a folder in the repository; None for the enclosing one.
        config_file: a configuration file; None for the repository's own.
        environ: environment variables; None for those of this process.
        flags: dotted configuration keys that the command line sets; None values are not set.

    Raises:
        InputError: no repository, no such file, or a wrong key or value in it.
    """
    root = Path(repository_root(repo))
    source, text = _read(root, config_file)
    config = parse_config(text, source=source)
    origins = dict.fromkeys(_set_keys(config), source)
    for variable, key in VARIABLES.items():
        value = (os.environ if environ is None else environ).get(variable)
        if value:
            config, origins[key] = _with(config, key, value), variable
    for key, flag in (flags or {}).items():
        if flag is not None:
            config, origins[key] = _with(config, key, flag), "command line"
    return Settings(root, Effective(config, origins))


def _read(root: Path, config_file: str | None) -> tuple[str, str]:
    if config_file is not None:
        return config_file, _text(Path(config_file), config_file)
    for name in ("pyproject.toml", ".codex-orchestrator.toml"):
        path = root / name
        if not path.is_file() and os.path.lexists(path):
            raise InputError("no regular file", path=name, fix="put a file there, or nothing")
        if path.is_file():
            text = _text(path, name)
            if name != "pyproject.toml" or "codex-orchestrator" in text:
                return name, text
    return "pyproject.toml", ""


def _text(path: Path, name: str) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}", path=name, fix="name a readable file by --config"
        ) from error
    if len(data) > MAX_CONFIG_BYTES:
        raise InputError(f"more than {MAX_CONFIG_BYTES} bytes", path=name, fix="name another file")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError("not UTF-8", path=name, line=line, fix="save it as UTF-8") from error


def _set_keys(config: Config) -> list[str]:
    keys = []
    for name in config.model_fields_set:
        value = getattr(config, name)
        inner = getattr(value, "model_fields_set", None)
        keys += [f"{name}.{key}" for key in inner] if inner is not None else [name]
    return keys


def _with(config: Config, key: str, value: str) -> Config:
    table, _, name = key.partition(".")
    changed = getattr(config, table).model_copy(update={name: value})
    return config.model_copy(update={table: changed})
