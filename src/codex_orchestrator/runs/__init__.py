"""Floor 2, room: run folders, locks and the audit log."""
