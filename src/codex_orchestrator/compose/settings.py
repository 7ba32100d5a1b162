"""The settings in force: flag, environment, configuration file, default, in that order."""

import os
from collections.abc import Mapping
from pathlib import Path

from codex_orchestrator.compose.trusted_base import read_at, trusted_commit
from codex_orchestrator.model.config import Config, Effective, parse_config
from codex_orchestrator.model.errors import InputError
from codex_orchestrator.system.git import repository_root
from codex_orchestrator.text.toml import MAX_BYTES

# environment variable → dotted configuration key
VARIABLES = {
    "CODEX_ORCHESTRATOR_MODEL": "model.name",
    "OPENAI_BASE_URL": "model.base_url",
    "CODEX_ORCHESTRATOR_CATALOG": "catalog.url",
}


class Settings:
    """The repository, its configuration, and where each value came from.

    `rules_at` is the commit whose configuration and patterns hold, "" for the checkout.
    """

    def __init__(self, repo: Path, effective: Effective, *, rules_at: str = "") -> None:
        self.repo = repo
        self.config: Config = effective.config
        self.origins = effective.origins
        self.rules_at = rules_at


def load_settings(
    repo: str | None,
    config_file: str | None,
    *,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, str | None] | None = None,
    is_used: bool = True,
    rules_at: str = "",
) -> Settings:
    """Find the repository and read its configuration.

    Args:
        repo: a folder in the repository; None for the enclosing one.
        config_file: a configuration file; None for the repository's own.
        environ: environment variables; None for those of this process.
        flags: dotted configuration keys that the command line sets; None values are not set.
        is_used: whether the caller obeys a value of it. Then, in the workflow of a pull request,
            the file of the base commit is read: whoever wrote the change must not choose where
            keys are sent and what agents may do.
        rules_at: the commit that holds where the workflow says none: that of a run to resume.

    Raises:
        InputError: no repository, no such file, or a wrong key or value in it.
        NotCheckedError: the base commit of the pull request is not in this clone.
    """
    root = Path(repository_root(repo))
    environment = os.environ if environ is None else environ
    rules_at = (trusted_commit(environment) if is_used else "") or rules_at
    is_given = config_file is not None
    source, data = _read(root, config_file, commit="" if is_given else rules_at)
    label = f" at {rules_at[:12]}" if rules_at and not is_given else ""
    config = parse_config(data, source=source, label=label)
    if config_file is not None:
        config = _protecting(config, root, config_file)
    origins = dict.fromkeys(_set_keys(config), f"{source}{label}")
    for variable, key in VARIABLES.items():
        value = environment.get(variable)
        if value:
            config, origins[key] = _with(config, key, value), variable
    for key, flag in (flags or {}).items():
        if flag is not None:
            config, origins[key] = _with(config, key, flag), "command line"
    return Settings(root, Effective(config, origins), rules_at=rules_at)


def _read(root: Path, config_file: str | None, *, commit: str) -> tuple[str, bytes]:
    if config_file is not None:
        return config_file, _bytes(Path(config_file), config_file)
    for name in ("pyproject.toml", ".codex-orchestrator.toml"):
        data = read_at(root, commit, name) if commit else _found(root, name)
        if data is not None and (name != "pyproject.toml" or b"codex-orchestrator" in data):
            return name, data
    return "pyproject.toml", b""


def _found(root: Path, name: str) -> bytes | None:
    path = root / name
    if not path.is_file() and os.path.lexists(path):
        raise InputError("no regular file", path=name, fix="put a file there, or nothing")
    return _bytes(path, name) if path.is_file() else None


def _bytes(path: Path, name: str) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}", path=name, fix="name a readable file by --config"
        ) from error


def _protecting(config: Config, root: Path, given: str) -> Config:
    """Protect the configuration file that the user names, where it stands in the repository."""
    place = Path(given).resolve()
    if not place.is_relative_to(root.resolve()):
        return config
    own = place.relative_to(root.resolve()).as_posix()
    policy = config.policy.model_copy(update={"protected": (*config.policy.protected, own)})
    return config.model_copy(update={"policy": policy})


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
