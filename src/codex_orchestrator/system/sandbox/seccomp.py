"""A seccomp filter: calls that no file rule and no namespace can refuse.

The filter sees numbers and registers, never what a pointer points at. So it decides on the family
of a new socket, not on the address that it connects to.
"""

import struct

from codex_orchestrator.system.sandbox import kernel

_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16
_STREAM, _SEQUENCED = 1, 5
_TYPE_BITS = 0xF
_MPTCP = 262
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_EPERM, _EACCES, _EPROTONOSUPPORT, _EAFNOSUPPORT = 1, 13, 93, 97

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _AND, _RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
_ALLOW, _ERRNO, _KILL_PROCESS = 0x7FFF0000, 0x50000, 0x80000000
_NUMBER, _ARCHITECTURE = 0, 4
_X32 = 1 << 30


def socket_filter(
    machine: kernel.Machine, *, allow_unix: bool, allow_internet: bool, guard_limits: bool
) -> bytes:
    """Return the program of a filter on sockets, keyrings, io_uring and terminals.

    Only unix, internet and routing sockets can be made, never Multipath TCP, vsock, packet or
    the like. io_uring is refused because it opens sockets without the call that is filtered.

    Args:
        machine: this processor's call numbers.
        allow_unix: unix sockets may be made; pairs that stay connected always may.
        allow_internet: internet sockets may be made.
        guard_limits: refuse setting limits of other processes.
    """
    program = _op(_LOAD, value=_ARCHITECTURE)
    program += _op(_JUMP_EQUAL, yes=1, value=machine.arch) + _op(_RETURN, value=_KILL_PROCESS)
    program += _op(_LOAD, value=_NUMBER)
    program += _op(_JUMP_AT_LEAST, no=1, value=_X32) + _refuse(kernel.ENOSYS)
    for number in machine.keys:
        program += _op(_JUMP_EQUAL, no=1, value=number) + _refuse(_EPERM)
    for number in kernel.IO_URING:
        program += _op(_JUMP_EQUAL, no=1, value=number) + _refuse(kernel.ENOSYS)
    program += _for_call(machine.socket, _socket(allow_unix, allow_internet))
    program += _for_call(machine.socketpair, _pair(allow_unix))
    program += _for_call(machine.ioctl, _ioctl())
    if guard_limits:
        program += _for_call(machine.prlimit, _prlimit())
    return program + _op(_RETURN, value=_ALLOW)


def _socket(allow_unix: bool, allow_internet: bool) -> bytes:  # noqa: FBT001 - private
    internet = _load_argument(2) + _op(_JUMP_EQUAL, no=1, value=_MPTCP)
    internet += _refuse(_EPROTONOSUPPORT) + _op(_RETURN, value=_ALLOW)
    netlink = _load_argument(2) + _op(_JUMP_EQUAL, yes=1, value=0)
    netlink += _refuse(_EPROTONOSUPPORT) + _op(_RETURN, value=_ALLOW)
    answers = [
        (_UNIX, _op(_RETURN, value=_ALLOW) if allow_unix else _refuse(_EACCES)),
        (_INET, internet if allow_internet else _refuse(_EACCES)),
        (_INET6, internet if allow_internet else _refuse(_EACCES)),
        (_NETLINK, netlink),
    ]
    program = _load_argument(0)
    for family, answer in answers:
        program += _op(_JUMP_EQUAL, no=len(answer) // 8, value=family) + answer
    return program + _refuse(_EAFNOSUPPORT)


def _pair(allow_unix: bool) -> bytes:  # noqa: FBT001 - private
    program = _load_argument(0) + _op(_JUMP_EQUAL, yes=1, value=_UNIX) + _refuse(_EAFNOSUPPORT)
    if allow_unix:
        return program
    # These two kinds stay with their partner. All others, the raw one too, are or become datagram
    # sockets, which may still send to any address.
    program += _load_argument(1) + _op(_AND, value=_TYPE_BITS)
    program += _op(_JUMP_EQUAL, yes=2, value=_STREAM) + _op(_JUMP_EQUAL, yes=1, value=_SEQUENCED)
    return program + _refuse(_EACCES)


def _ioctl() -> bytes:
    # Typing into a terminal on behalf of its user.
    program = _load_argument(1)
    for request in (_TIOCSTI, _TIOCLINUX):
        program += _op(_JUMP_EQUAL, no=1, value=request) + _refuse(_EPERM)
    return program


def _prlimit() -> bytes:
    """Refuse a new limit (argument 2, a pointer) for a process (argument 0) other than itself."""
    program = _load_argument(0) + _op(_JUMP_EQUAL, yes=6, value=0)
    program += _load_argument(2) + _op(_JUMP_EQUAL, yes=1, value=0) + _refuse(_EPERM)
    return (
        program + _load_argument(2, high=True) + _op(_JUMP_EQUAL, yes=1, value=0) + _refuse(_EPERM)
    )


def _for_call(number: int, body: bytes) -> bytes:
    """Return a part that runs its body for one call, and leaves the number loaded after it."""
    body += _op(_LOAD, value=_NUMBER)
    return _op(_JUMP_EQUAL, no=len(body) // 8, value=number) + body


def _load_argument(index: int, *, high: bool = False) -> bytes:
    return _op(_LOAD, value=16 + 8 * index + (4 if high else 0))


def _refuse(errno: int) -> bytes:
    return _op(_RETURN, value=_ERRNO | errno)


def _op(code: int, *, yes: int = 0, no: int = 0, value: int) -> bytes:
    return struct.pack("HBBI", code, yes, no, value)
