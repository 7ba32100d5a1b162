"""Run a command on a kernel that lacks or refuses some calls: `kernel_without.py WHAT… -- CMD`.

WHAT is `NUMBER=ERRNO`, or `namespaces` for what containers refuse their processes. A filter of the
kernel's own answers, so the command cannot tell the difference.
"""

import ctypes
import os
import struct
import sys

EPERM, ENOSYS = 1, 38
CLONE, UNSHARE, SETNS, CLONE3 = (
    (56, 272, 308, 435) if os.uname().machine == "x86_64" else (220, 97, 268, 435)
)
ANY_NAMESPACE = 0x7E020000


def op(code, yes, no, value):
    return struct.pack("HBBI", code, yes, no, value)


def answer(number, errno):
    return op(0x15, 0, 1, number) + op(0x06, 0, 0, 0x50000 | errno)


def main():
    here = sys.argv.index("--")
    program = op(0x20, 0, 0, 0)
    for word in sys.argv[1:here]:
        if word == "namespaces":
            program += answer(UNSHARE, EPERM) + answer(SETNS, EPERM) + answer(CLONE3, ENOSYS)
            program += op(0x15, 0, 4, CLONE) + op(0x20, 0, 0, 16)
            program += op(0x45, 0, 1, ANY_NAMESPACE) + op(0x06, 0, 0, 0x50000 | EPERM)
            program += op(0x20, 0, 0, 0)
        else:
            number, errno = word.split("=")
            program += answer(int(number), int(errno))
    program += op(0x06, 0, 0, 0x7FFF0000)
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0:
        libc.prctl(38, 1, 0, 0, 0)
    buffer = ctypes.create_string_buffer(program, len(program))
    filters = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    if libc.prctl(22, 2, filters, 0, 0):
        raise OSError(ctypes.get_errno(), "the filter was refused")
    os.execvp(sys.argv[here + 1], sys.argv[here + 1 :])  # noqa: S606 - becomes the command


if __name__ == "__main__":
    main()
