"""How the bridge gets the model key: from process to process, never by argv, environment or file.

A library that starts MCP servers cannot pass open descriptors to them. So the parent offers the
key on a Unix socket in a folder of its own (mode 0700) and passes the socket's path. Its child
takes the key, once; then the socket is gone, before the first turn starts.
"""

import os
import shutil
import socket
import struct
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from codex_orchestrator.codex.locked_folder import locked_folder, remove_left_behind
from codex_orchestrator.model.credential import Scope, Secret
from codex_orchestrator.model.errors import NotCheckedError

_PREFIX = "cok-"
# unix(7): 108 bytes with the final zero; other systems have 104.
_MAX_PATH_BYTES = 103
_USUAL = ("/dev/shm", "/tmp")  # noqa: S108 - a folder of our own with mode 0700 is made inside
_LONGEST_NAME = len(f"/{_PREFIX}12345678/key")
_TIMEOUT_S = 30.0
_KEY_BYTES = 64 * 1024
_AGAIN = "start the server again through `bridge_launch`, which offers a fresh key"


@contextmanager
def offer_key(key: Secret) -> Iterator[Path]:
    """Offer a key to one child of this process; yield the socket's path.

    Raises:
        NotCheckedError: there is no folder with a path short enough for a socket.
    """
    parent = _short_folder()
    remove_left_behind(parent, prefix=_PREFIX)
    with locked_folder(parent, prefix=_PREFIX) as folder:
        path = folder / "key"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(path))
            listener.listen(1)
            giver = threading.Thread(target=_give, args=(listener, path, key), daemon=True)
            giver.start()
            try:
                yield path
            finally:
                # Closing alone would not wake the thread that waits in accept().
                with suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)
                giver.join()


def take_key(path: str) -> Secret:
    """Take the key that `offer_key` offers.

    Raises:
        NotCheckedError: no key is offered there, or it was taken already.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(_TIMEOUT_S)
            client.connect(path)
            with client.makefile("rb") as stream:
                data = stream.read()
    except OSError as error:
        raise NotCheckedError(f"no key is offered at {path}: {error}", fix=_AGAIN) from error
    return _secret(data, path)


def read_key(descriptor: int) -> Secret:
    """Read the key from an inherited descriptor up to its end, and close it.

    Raises:
        NotCheckedError: the descriptor is not open for reading, or holds nothing.
    """
    try:
        with open(descriptor, "rb") as stream:
            data = stream.read(_KEY_BYTES)
    except (OSError, ValueError) as error:
        raise NotCheckedError(
            f"descriptor {descriptor} cannot be read: {error}",
            fix="open it in the shell that starts the server: `--key-fd 3 3< <(command)`",
        ) from error
    return _secret(data, f"descriptor {descriptor}")


def _give(listener: socket.socket, path: Path, key: Secret) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:  # the offer ended
            return
        with client:
            if not _is_own_child(client):
                continue
            with suppress(OSError):
                client.sendall(key.reveal().encode())
            # At once: a killed run would never get to the end.
            shutil.rmtree(path.parent, ignore_errors=True)
            return


def _is_own_child(client: socket.socket) -> bool:
    if not hasattr(socket, "SO_PEERCRED"):
        return True  # the folder's mode already keeps other users out
    raw = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    process, user, _ = struct.unpack("3i", raw)
    try:
        status = Path(f"/proc/{process}/stat").read_text("utf-8", "replace")
    except OSError:
        return False
    # The second field is the program's name in parentheses, and may hold anything.
    parent = int(status.rpartition(")")[2].split()[1])
    return bool(user == os.getuid() and parent == os.getpid())


def _secret(data: bytes, source: str) -> Secret:
    text = data.decode("utf-8", "replace").strip()
    if not text:
        raise NotCheckedError(f"{source} gave no key", fix=_AGAIN)
    return Secret(text, scope=Scope.MODEL)


def _short_folder() -> Path:
    """Return the first folder that may be written to and leaves a socket's path short enough."""
    places = (os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), *_USUAL)
    for place in places:
        is_short = len(os.fsencode(place)) + _LONGEST_NAME <= _MAX_PATH_BYTES
        if place and is_short and os.path.isdir(place) and os.access(place, os.W_OK | os.X_OK):
            return Path(place)
    raise NotCheckedError(
        f"no folder for the socket that hands over the key: {tempfile.gettempdir()} is longer than "
        f"{_MAX_PATH_BYTES - _LONGEST_NAME} bytes or cannot be written to",
        fix="set TMPDIR to a folder with a shorter path",
    )
