"""Floor 2, room: events, outputs and what is posted."""
