"""Where this toolkit was installed from, as its own metadata says, and how to get more of it.

No package index is named here: anyone could register our name on one.
"""

import json
import re
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from codex_orchestrator.model.errors import InputError, MissingExtraError
from codex_orchestrator.system.source import Source, read_source

if TYPE_CHECKING:
    from importlib.metadata import Distribution

NAME = "codex-orchestrator-toolkit"


def installed_source() -> Source | None:
    """Return the repository and commit that this toolkit was installed from; None if not known.

    They are known after `pip install git+URL`, and not for a folder, a wheel or an index.
    """
    said = _direct_url()
    about = said.get("vcs_info")
    if not isinstance(about, dict) or about.get("vcs") != "git" or "subdirectory" in said:
        return None
    try:
        return read_source(f"{said.get('url', '')}@{about.get('commit_id', '')}")
    except InputError:
        return None


def source_option() -> str:
    """Return the option that names the source, as a shell word where a folder's git knows it."""
    said = _direct_url()
    if folder := _folder(said):
        git = f"git -C {shlex.quote(folder)}"
        return f'--source "$({git} remote get-url origin)@$({git} rev-parse HEAD)"'
    return "--source URL@COMMIT"


def install_command(extra: str) -> str:
    """Return the command that installs an extra from where the toolkit came from.

    Where that is not known, it installs the packages that the extra needs.
    """
    said = _direct_url()
    url = str(said.get("url", ""))
    if source := installed_source():
        wanted = [f"{NAME}[{extra}] @ {source.requirement}"]
    elif folder := _folder(said):
        is_editable = said["dir_info"].get("editable")
        wanted = [*(["--editable"] if is_editable else []), f"{folder}[{extra}]"]
    elif "archive_info" in said and url.startswith(("file:///", "https://")) and "@" not in url:
        wanted = [f"{NAME}[{extra}] @ {url}"]
    else:
        wanted = _packages(extra)
    return "pip install " + " ".join(_word(word) for word in wanted)


def missing_extra(extra: str, *, needed_for: str) -> MissingExtraError:
    """Return the error that an extra is not installed, with the command that installs it."""
    return MissingExtraError(extra, needed_for=needed_for, fix=install_command(extra))


def _word(text: str) -> str:
    """Return a shell word; in double quotes where they do, which people know best."""
    return (
        f'"{text}"'
        if re.fullmatch(r"[A-Za-z0-9 ._~+/@:;=<>,!\[\]-]+", text) and (shlex.quote(text) != text)
        else shlex.quote(text)
    )


def _folder(said: Mapping[str, Any]) -> str:
    """Return the folder that the toolkit was installed from; "" when it was none."""
    url = str(said.get("url", ""))
    is_folder = isinstance(said.get("dir_info"), dict) and url.startswith("file:///")
    return unquote(urlsplit(url).path) if is_folder else ""


def _installed() -> "Distribution | None":
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return distribution(NAME)
    except PackageNotFoundError:
        return None


def _direct_url() -> dict[str, Any]:
    """Return what the installer recorded (PEP 610); nothing when it recorded nothing."""
    found = _installed()
    text = found.read_text("direct_url.json") if found is not None else None
    try:
        said = json.loads(text or "{}")
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _packages(extra: str) -> list[str]:
    found = _installed()
    lines = found.requires or [] if found is not None else []
    ours = re.compile(rf"([^;]+?)\s*;.*\bextra\s*==\s*['\"]{re.escape(extra)}['\"]")
    return [match[1] for line in lines if (match := ours.match(line))]
