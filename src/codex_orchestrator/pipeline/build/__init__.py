"""Building the items of a plan: here, apart from each other, and in Codex Cloud."""
