"""Spec files in the work tree: found without following links, written whole or not at all."""

import os
import stat
import tempfile

from codex_orchestrator.guard.loading import MAX_SPEC_BYTES
from codex_orchestrator.model.errors import InputError


def spec_place(root: str, given: str) -> tuple[str, str]:
    """Return the absolute path of a spec file and its path in the repository.

    Raises:
        InputError: it lies outside the repository or is no regular file.
    """
    folder = os.path.realpath(os.path.dirname(os.path.abspath(given)))
    place = os.path.join(folder, os.path.basename(given))
    inside = os.path.relpath(place, os.path.realpath(root))
    if inside.startswith("..") or inside.split(os.sep)[0] == ".git":
        raise InputError("lies outside the repository", path=given, fix="name a spec inside it")
    try:
        mode = os.lstat(place).st_mode
    except (OSError, ValueError) as error:
        raise InputError("no such file", path=given, fix="name an existing spec") from error
    if not stat.S_ISREG(mode):
        raise InputError("is no regular file", path=given, fix="a spec is a plain file")
    return place, inside


def read_spec(place: str, given: str) -> bytes:
    """Return a spec's bytes.

    Raises:
        InputError: it cannot be read or is too large.
    """
    try:
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as stream:
            data = stream.read(MAX_SPEC_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=given) from error
    if len(data) > MAX_SPEC_BYTES:
        raise InputError(f"has more than {MAX_SPEC_BYTES} bytes", path=given)
    return data


def replace_spec(place: str, data: bytes, given: str) -> None:
    """Put new bytes in the place of a file at once; its mode stays.

    Raises:
        InputError: the folder or the disk refuses.
    """
    try:
        mode = stat.S_IMODE(os.lstat(place).st_mode)
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(place), prefix=".spec-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(temporary, mode)
            os.replace(temporary, place)
        except OSError:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", path=given) from error
