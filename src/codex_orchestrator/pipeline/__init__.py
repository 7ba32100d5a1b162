"""Verbs: the story of one task, from its file to its verdict. Read `run_task` first."""
