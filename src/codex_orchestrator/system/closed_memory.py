"""Keep other processes of the same user out of the memory and the environment of this one."""

import ctypes
import sys

_SET_DUMPABLE = 4


def close_memory() -> bool:
    """Let the kernel refuse others this process's memory and environment; say whether it does.

    Checks and builders run as the same user, who may otherwise read `/proc/PID/environ` and
    `/proc/PID/mem` of any process of theirs. Linux only; whoever may trace every process, as root
    usually may, still can. Children are not concerned: a program that is started begins anew.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        answer: int = ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError):
        return False
    return answer == 0
