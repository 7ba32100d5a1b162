"""Floor 2, room: codemods, lint rules, templates and language adapters."""
