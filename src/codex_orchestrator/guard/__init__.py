"""Floor 2, room: the spec guard, on the standard library only."""
