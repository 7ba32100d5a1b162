"""Room: the spec guard; standard library only."""
