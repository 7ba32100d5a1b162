"""The address of this toolkit's repository, as a person writes it or an installer records it."""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from codex_orchestrator.model.errors import InputError

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
