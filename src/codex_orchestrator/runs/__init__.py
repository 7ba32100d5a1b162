"""Room: run folders, task state, locks and the audit log, all durable."""
