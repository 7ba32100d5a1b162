"""Verbs: what the product does besides running a task, one verb per file."""
