"""Landlock: the kernel refuses this process, and all that it starts, files that were not named.

No package: three system calls. What each version of the kernel's interface (ABI) can refuse is in
`docs.kernel.org/userspace-api/landlock.html`. Landlock cannot refuse changes of mode, owner, times
and extended attributes, nor (before ABI 9) connecting to a unix socket by its path.
"""

import os
import struct

from codex_orchestrator.system.sandbox import kernel

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_MAKE_CHAR, _MAKE_BLOCK = 1 << 6, 1 << 11
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_RIGHTS_BY_ABI = (0, 13, 14, 15, 15, 16)
_ALL_TCP = 3
_SCOPE_ABSTRACT_SOCKETS, _SCOPE_SIGNALS = 1, 2

_READ = _EXECUTE | _READ_FILE | _READ_DIR
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_LARGEST_KNOWN_ABI = 7


def kernel_abi() -> int:
    """Return the version of Landlock that the kernel offers.

    Raises:
        OSError: ENOSYS when the kernel lacks it, EOPNOTSUPP when it was switched off at boot.
    """
    return kernel.syscall("ask for Landlock", kernel.LANDLOCK_CREATE, None, 0, 1)


class Ruleset:
    """Rules of one domain: name what is allowed, then `enforce`; all else is refused for good."""

    def __init__(self, abi: int, *, refuse_tcp: bool) -> None:
        """Begin with nothing allowed.

        Args:
            abi: the version to use, at most what `kernel_abi` says.
            refuse_tcp: refuse binding and connecting TCP sockets, from ABI 4 on.

        Raises:
            OSError: the kernel refused.
        """
        self.abi = min(abi, _LARGEST_KNOWN_ABI)
        self._handled = (1 << _RIGHTS_BY_ABI[min(self.abi, len(_RIGHTS_BY_ABI) - 1)]) - 1
        self.refuses_tcp = refuse_tcp and self.abi >= 4
        self.scopes = _SCOPE_ABSTRACT_SOCKETS | _SCOPE_SIGNALS if self.abi >= 6 else 0
        self._fd = self._create()

    def allow_reading(self, paths: list[str]) -> None:
        """Allow reading and running what lies at and below each path that exists."""
        for path in paths:
            self._allow(path, _READ)

    def allow_listing(self, paths: list[str]) -> None:
        """Allow seeing the names in each folder that exists and in all below it."""
        for path in paths:
            self._allow(path, _READ_DIR)

    def allow_writing(self, paths: list[str]) -> None:
        """Allow all that can be done with files at and below each path, but making devices."""
        for path in paths:
            self._allow(path, ~(_MAKE_CHAR | _MAKE_BLOCK | _IOCTL_DEV))

    def allow_devices(self, paths: list[str]) -> None:
        """Allow using device files at and below each path that exists."""
        for path in paths:
            self._allow(path, _READ_FILE | _READ_DIR | _WRITE_FILE | _TRUNCATE | _IOCTL_DEV)

    @property
    def refuses_abstract_sockets(self) -> bool:
        """Say whether unix sockets of others cannot be reached by an abstract name."""
        return bool(self.scopes & _SCOPE_ABSTRACT_SOCKETS)

    def enforce(self) -> None:
        """Put this thread below the rules; needs `refuse_new_privileges` first.

        Raises:
            OSError: the kernel refused.
        """
        kernel.syscall("enforce Landlock rules", kernel.LANDLOCK_RESTRICT, self._fd, 0)
        os.close(self._fd)

    def _create(self) -> int:
        tcp = _ALL_TCP if self.refuses_tcp else 0
        # Some distributions' kernels claim an ABI and lack one of its scopes.
        for scopes in dict.fromkeys((self.scopes, self.scopes & _SCOPE_ABSTRACT_SOCKETS, 0)):
            size = 8 if self.abi < 4 else 16 if self.abi < 6 else 24
            order = struct.pack("QQQ", self._handled, tcp, scopes)
            try:
                fd = kernel.syscall("make Landlock rules", kernel.LANDLOCK_CREATE, order, size, 0)
            except OSError as error:
                if error.errno != kernel.EINVAL or not scopes:
                    raise
            else:
                self.scopes = scopes
                return fd
        raise OSError(kernel.EINVAL, "make Landlock rules: no set of scopes was accepted")

    def _allow(self, path: str, rights: int) -> None:
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except (FileNotFoundError, PermissionError):
            return
        try:
            is_folder = os.path.isdir(path)
            rights &= self._handled if is_folder else self._handled & _ON_FILES
            order = struct.pack("=Qi", rights, fd)
            kernel.syscall(f"allow {path}", kernel.LANDLOCK_ADD, self._fd, 1, order, 0)
        finally:
            os.close(fd)
