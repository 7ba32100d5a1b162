"""What one turn did, collected from Codex's notifications."""

import threading
from collections.abc import Mapping
from typing import Any

from codex_orchestrator.codex.escalation import relative_path
from codex_orchestrator.model.codex_call import RunCommand, TouchedFile, TurnUsage
from codex_orchestrator.text.shown import folded

_PROGRESS_CHARACTERS = 200


class TurnLog:
    """Collects one turn; several threads look at it, one writes.

    `spent` holds the token totals of the thread before the turn.
    """

    def __init__(self, cwd: str, *, spent: Mapping[str, int]) -> None:
        self._cwd = cwd
        self._before = spent
        self._changed = threading.Condition()
        self._paths: dict[str, tuple[str, ...]] = {}
        self._files: dict[str, str] = {}
        self.commands: list[RunCommand] = []
        self.content = ""
        self._requests = 0
        self._taken = 0
        self.totals = dict(spent)
        self.end: dict[str, Any] | None = None

    @property
    def files(self) -> tuple[TouchedFile, ...]:
        """Files that patches changed, in order of path."""
        return tuple(TouchedFile(*pair) for pair in sorted(self._files.items()))

    def note(self, method: str, params: Mapping[str, Any]) -> str:
        """Take one notification; return a line of progress for people, or ""."""
        item, line = params.get("item") or {}, ""
        match method, item.get("type"):
            case "turn/completed", _:
                with self._changed:
                    self.end = dict(params["turn"])
                    self._changed.notify_all()
            case "thread/tokenUsage/updated", _:
                self._count(params["tokenUsage"]["total"])
            case "item/started", "fileChange":
                with self._changed:
                    self._paths[item["id"]] = tuple(
                        relative_path(change["path"], self._cwd) for change in item["changes"]
                    )
                    self._changed.notify_all()
            case "item/started", "commandExecution":
                line = f"running {item['command']}"
            case "item/completed", "agentMessage":
                line = self.content = str(item["text"])
            case "item/completed", "commandExecution":
                command, status = item["command"], item["status"]
                self.commands.append(
                    RunCommand(command, status, item.get("exitCode"), item.get("durationMs"))
                )
                line = f"{status} {command}"
            case "item/completed", "fileChange" if item["status"] == "completed":
                for change in item["changes"]:
                    self._take_change(change)
                line = "edited " + ", ".join(change["path"] for change in item["changes"])
        return folded(line, _PROGRESS_CHARACTERS)

    def wait_for_end(self, timeout_s: float) -> bool:
        """Say whether the turn ended within the time."""
        with self._changed:
            return self._changed.wait_for(lambda: self.end is not None, timeout_s)

    def wait_for_paths(self, item_id: str, timeout_s: float) -> tuple[str, ...]:
        """Return the files of a change, once its announcement has been read."""
        with self._changed:
            self._changed.wait_for(lambda: item_id in self._paths, timeout_s)
            return self._paths.get(item_id, ())

    def usage(self) -> TurnUsage:
        """Return what was spent since the turn began."""
        names = ("inputTokens", "cachedInputTokens", "outputTokens", "reasoningOutputTokens")
        spent = [
            self.totals.get(name, 0) - self._before.get(name, 0) for name in (*names, "totalTokens")
        ]
        return TurnUsage(self._requests, *spent)

    def take_new_tokens(self) -> int:
        """Return how many tokens were used since the last call."""
        now = self.usage().total_tokens
        new, self._taken = now - self._taken, now
        return new

    def _count(self, totals: Mapping[str, Any]) -> None:
        now = {name: count for name, count in totals.items() if isinstance(count, int)}
        # A failed request is announced with the totals of the one before it.
        self._requests += now != self.totals
        self.totals = now

    def _take_change(self, change: Mapping[str, Any]) -> None:
        path = relative_path(change["path"], self._cwd)
        self._files[path] = change["kind"]["type"]
        moved = change["kind"].get("move_path") or change["kind"].get("movePath")
        if moved:
            self._files[path] = "delete"
            self._files[relative_path(moved, self._cwd)] = "add"
