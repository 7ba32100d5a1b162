"""Servers that run as child processes.

How a server is started, and what a Codex bridge is started for.
"""

from pathlib import Path
from typing import Any, NamedTuple


class ServerCommand(NamedTuple):
    """How a server is started: argument list, complete environment, working folder."""

    argv: tuple[str, ...]
    environment: dict[str, str]
    cwd: str

    def as_params(self) -> dict[str, Any]:
        """Return the parameters for an MCP client over stdio."""
        return {
            "command": self.argv[0],
            "args": list(self.argv[1:]),
            "env": self.environment,
            "cwd": self.cwd,
        }


class BridgeRequest(NamedTuple):
    """What a Codex bridge is to do, and where it reports.

    `root` is the folder that every working folder must lie in; `approvals` is what a person
    approved, `run:PROGRAM` and `edit:PATH`. `timeout_s` bounds one turn, in seconds, and `tokens`
    all turns together (None: no bound). `decisions` gets a line of JSON for each request to leave
    the sandbox.
    """

    root: Path
    approvals: tuple[str, ...] = ()
    decisions: Path | None = None
    timeout_s: float = 600
    tokens: int | None = None
