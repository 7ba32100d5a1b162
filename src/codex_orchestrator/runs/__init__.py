"""Floor 2, room: run folders, task state, locks and the audit log, all durable."""
