"""Building the items of a plan: on this machine, one by one or in parallel, or in Codex Cloud."""
