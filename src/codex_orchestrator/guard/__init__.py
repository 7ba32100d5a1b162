"""Room: the spec guard, on the standard library only."""
