"""What the launcher tells its caller."""

import os


class Report:
    """The way back to the caller: lines `fact=value` on a descriptor that no child inherits."""

    def __init__(self, fd: int) -> None:
        self.descriptor = fd

    def say(self, **facts: object) -> None:
        """Report facts."""
        self._write("".join(f"{name}={value}\n" for name, value in facts.items()))

    def fault(self, error: OSError) -> None:
        """Report that a layer or the start failed."""
        # The errors of `kernel` name the action; those of `os` a path.
        path = f": {os.fsdecode(error.filename)}" if error.filename else ""
        self.say(errno=error.errno or 0, fault=f"{error.strerror}{path}".replace("\n", " "))

    def _write(self, text: str) -> None:
        try:
            os.write(self.descriptor, os.fsencode(text))
        except OSError:
            # The caller is dead. That is no reason to leave its command alone.
            return
