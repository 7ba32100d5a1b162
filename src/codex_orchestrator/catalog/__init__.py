"""Floor 2, room: where manifests go."""
