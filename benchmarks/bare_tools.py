"""The tools of bare_sdk.py: what is needed to carry out the same calls, over MCP on stdio."""

import subprocess
from pathlib import Path

from mcp.server import MCPServer

server = MCPServer("tools", log_level="ERROR")


@server.tool()
def read_file(path: str) -> str:
    """Read a file."""
    return Path(path).read_text("utf-8")


@server.tool()
def list_files() -> list[str]:
    """List the files that git knows."""
    return _git("ls-files").splitlines()


@server.tool()
def git_diff() -> str:
    """Show what changed."""
    return _git("diff")


@server.tool()
def apply_patch(patch: str) -> str:
    """Apply a unified diff."""
    return _git("apply", "-", stdin=patch)


def _git(*arguments: str, stdin: str = "") -> str:
    return subprocess.run(
        ["git", *arguments], input=stdin, capture_output=True, text=True, check=True
    ).stdout


if __name__ == "__main__":
    server.run("stdio")
