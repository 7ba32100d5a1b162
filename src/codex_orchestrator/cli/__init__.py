"""Floor 4, surfaces: the command line."""
