"""Floor 2, room: secrets that live in memory."""
