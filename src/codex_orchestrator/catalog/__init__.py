"""Floor 2, room: the catalog that finished manifests and pattern metadata are sent to."""
