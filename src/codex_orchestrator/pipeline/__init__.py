"""Floor 3, verbs: what the product does, one verb a file."""
