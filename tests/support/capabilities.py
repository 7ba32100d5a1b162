"""Be like an ordinary user for the kernel, also where the tests run as root."""

import ctypes
import os
from pathlib import Path

_DROP_FROM_BOUNDING_SET = 24


def drop_capabilities() -> None:
    """Give up what makes root mighty, from the next program on; for use between fork and exec."""
    if os.geteuid() == 0:
        last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
        prctl = ctypes.CDLL(None).prctl
        for capability in range(last + 1):
            if prctl(_DROP_FROM_BOUNDING_SET, capability, 0, 0, 0):
                raise OSError("a capability cannot be given up")
