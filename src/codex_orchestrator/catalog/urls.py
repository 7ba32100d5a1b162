"""URLs of catalogs: the kinds, the folder of a local one, and no secret in them."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from codex_orchestrator.model.errors import InputError

_FIELD = "catalog.url"
KINDS = ("file://", "s3://", "gs://", "az://")


def refuse_secrets(url: str) -> None:
    """Check that a URL is of a known kind and holds nothing that must not be in a receipt.

    Raises:
        InputError: it is of another kind, or holds a user, a password or a query.
    """
    if not url.startswith(KINDS):
        raise InputError(
            f"{url[:100]!r} is not a catalog URL",
            field=_FIELD,
            fix=f"use one of {', '.join(KINDS)}",
        )
    parts = urlsplit(url)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise InputError(
            "a catalog's URL must not hold a user, a password or a query: receipts name it",
            field=_FIELD,
            fix="put credentials into the environment",
        )


def local_root(url: str, *, repo: Path) -> Path:
    """Return the folder of a `file://` URL; a relative path starts in the repository.

    Raises:
        InputError: it is empty or leaves the repository.
    """
    place = unquote(url.removeprefix("file://"))
    if not place.strip("/") or "\0" in place:
        raise InputError(f"{url!r} names no folder", field=_FIELD)
    if place.startswith("/"):
        return Path(place)
    if ".." in Path(place).parts:
        raise InputError(
            f"{url!r} leaves the repository", field=_FIELD, fix="use file:///absolute/path"
        )
    return repo / place
