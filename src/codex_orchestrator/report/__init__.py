"""Floor 2, room: what a person reads."""
