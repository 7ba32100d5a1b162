"""Keep other processes of the same user from reading this one's memory and environment."""

import ctypes
import sys

_SET_DUMPABLE = 4


def close_memory() -> bool:
    """Have the kernel refuse others this process's memory and environment; return whether it does.

    Checks and builders run as the same user, who may otherwise read `/proc/PID/environ` and
    `/proc/PID/mem` of all their processes. Linux only. Who may trace every process, as root usually
    may, still can. It does not hold for programs that this process starts.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        answer: int = ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError):
        return False
    return answer == 0
