"""Where this toolkit was installed from, as its own metadata says, and how to get more of it.

No package index is named here: anyone could register our name on one.
"""

import json
import re
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from codex_orchestrator.model.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from importlib.metadata import Distribution

NAME = "codex-orchestrator-toolkit"
_HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?(:[0-9]{1,5})?"
_PATH = r"/[A-Za-z0-9._~+/-]{1,1000}"
# What may stand in YAML, in a shell word and in a requirement of pip without any quoting.
_URL = re.compile(rf"(https://{_HOST}|ssh://([A-Za-z0-9._-]{{1,64}}@)?{_HOST}|file://){_PATH}")
_SCP = re.compile(r"([A-Za-z0-9._-]{1,64}@[A-Za-z0-9.-]{1,253}):([A-Za-z0-9._~-][^:]*)")
_REVISION = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}|[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# A branch, an abbreviated commit and a range are no fixed point.
_MOVING = re.compile(r"HEAD|main|master|[0-9a-f]{4,39}|.*\.\..*")
_FIX = (
    "give the address of the repository that holds the toolkit and a commit or tag of it, such as "
    "https://git.example/team/codex-orchestrator@" + "0" * 40
)


class Source(NamedTuple):
    """A repository that holds this toolkit, and the commit or tag to take."""

    url: str
    revision: str

    @property
    def requirement(self) -> str:
        """What pip installs."""
        return f"git+{self.url}@{self.revision}"


def read_source(text: str) -> Source:
    """Return the source that a person names as `URL@COMMIT`.

    Raises:
        InputError: it is no https, ssh or file address with a commit or tag, or holds a character
            that means something to a shell, to YAML or to pip.
    """
    url, _, revision = text.removeprefix("git+").rpartition("@")
    if short := _SCP.fullmatch(url):
        url = f"ssh://{short[1]}/{short[2]}"
    problem = ""
    if not url:
        problem = "names no commit"
    elif "@" in urlsplit(url).netloc and url.startswith("https:"):
        problem = "holds a user name or a password, which others would read"
    elif not _URL.fullmatch(url) or not {"", ".", ".."}.isdisjoint(
        urlsplit(url).path.split("/")[1:]
    ):
        problem = "has no plain https, ssh or file address"
    elif not _REVISION.fullmatch(revision) or _MOVING.fullmatch(revision):
        problem = "has no full commit and no tag behind the last `@`"
    if problem:
        shown = "" if "password" in problem else f"{text[:200]!r} "
        raise InputError(f"{shown}{problem}", field="--source", fix=_FIX)
    return Source(url, revision)


def installed_source() -> Source | None:
    """Return the repository and commit that this toolkit was installed from; None if not known.

    They are known after `pip install git+URL`, and not for a folder, a wheel or an index.
    """
    said = _direct_url()
    commit = said.get("vcs_info", {}).get("commit_id", "")
    if said.get("vcs_info", {}).get("vcs") != "git" or "subdirectory" in said:
        return None
    try:
        return read_source(f"{said.get('url', '')}@{commit}")
    except InputError:
        return None


def install_command(extra: str) -> str:
    """Return the command that installs an extra from where the toolkit came from.

    Where that is not known, it installs the packages that the extra needs.
    """
    said = _direct_url()
    url = str(said.get("url", ""))
    if source := installed_source():
        wanted = [f"{NAME}[{extra}] @ {source.requirement}"]
    elif "dir_info" in said and url.startswith("file:///"):
        folder = f"{unquote(urlsplit(url).path)}[{extra}]"
        wanted = ["--editable", folder] if said["dir_info"].get("editable") else [folder]
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
