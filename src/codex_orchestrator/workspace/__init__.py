"""Floor 2, room: worktrees, processes and the approval policy."""
